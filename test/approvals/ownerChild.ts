// First: whoever takes scrypt before it takes Node's own.
import { recall, type Stretched } from '../support/scryptMemory.js';
import { isWalletError } from '../../src/errors/walletError.js';
import { removeFactor } from '../../src/owner/auth/ownerFactors.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { rotateToken } from '../../src/owner/ownerAgents.js';
import { changeConfigKeys } from '../../src/owner/ownerConfig.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';

/** One command of one owner, in a process of its own that may be struck at a point of it. */
export interface OwnerOrder {
  readonly home: string;
  readonly stretched: Stretched;
  /** The owner's own passphrase. */
  readonly passphrase: string;
  readonly act:
    | { readonly do: 'set'; readonly key: string; readonly value: string }
    | { readonly do: 'rotate' | 'remove'; readonly name: string };
  /** The look at the clock at which it stands still until it is let go on, counted from 1. */
  readonly stopsAtLook?: number;
  /** The look at the clock at which it is killed. */
  readonly diesAtLook?: number;
  /** Whether it is killed once the owners' words are written, before it begins what they allowed. */
  readonly diesBefore?: boolean;
}

/** What came of it: a code, and the tokens that were given out. */
export interface OwnerAnswer {
  readonly code: string;
  readonly tokens: readonly string[];
  readonly looks: number;
}

const order = JSON.parse(process.argv[2] ?? '') as OwnerOrder;
recall(order.stretched);
let looks = 0;
const tokens: string[] = [];

// A signal is delivered before the call returns: nothing of this process runs after it.
const strike = (signal: 'SIGKILL' | 'SIGSTOP'): void => void process.kill(process.pid, signal);
function now(): number {
  looks += 1;
  if (looks === order.diesAtLook) strike('SIGKILL');
  if (looks === order.stopsAtLook) strike('SIGSTOP');
  return Date.now();
}

const passphrase = (): Promise<string> => Promise.resolve(TEST_PASSPHRASE);
const factor = (): Promise<string> => Promise.resolve(order.passphrase);
const options: OwnerOptions = {
  ...{ home: order.home, now, passphrase, auth: { passphrase, factor, atTerminal: false } },
};
const begin = async (): Promise<void> => {
  if (order.diesBefore === true) strike('SIGKILL');
  return Promise.resolve();
};

async function act(): Promise<void> {
  switch (order.act.do) {
    case 'set': {
      const { key, value } = order.act;
      const words = { what: `Setting ${key}`, action: { kind: 'setSetting', key, value } as const };
      await changeConfigKeys(options, words, [{ key, text: value }], begin);
      return;
    }
    case 'rotate':
      await rotateToken(options, order.act.name, async (token) => {
        await begin();
        tokens.push(token);
      });
      return;
    case 'remove':
      await removeFactor(options, order.act.name);
  }
}

function tell(code: string): void {
  process.send?.({ code, tokens, looks } satisfies OwnerAnswer, () => process.disconnect());
}
act().then(
  () => tell('done'),
  (error: unknown) => tell(isWalletError(error) ? error.code : String(error)),
);
