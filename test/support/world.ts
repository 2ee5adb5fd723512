import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import type { CallInput } from '../../src/wallet/request.js';
import { createTestWallet, type TestWallet, type TestWalletParts } from './testWallet.js';

/** A sandbox whose chain and whose wallets share one clock that a test can move. */
export interface TestWorld {
  readonly sandbox: Sandbox;
  /** The wallets' clock: the machine's, and as far ahead of it as the chain was moved. */
  readonly now: () => number;
  /** Moves chain and wallets ahead together, until a `finalized` block has the new time. */
  advance(seconds: number): Promise<void>;
  /** A funded wallet of its own, under limits wide enough for any test that does not mean them. */
  wallet(parts?: TestWalletParts & { readonly usdMicros?: bigint }): Promise<TestWallet>;
  /** A URL of the shop that no other call of the file has used. */
  url(path: string, query?: Readonly<Record<string, string>>): string;
  /** Removes every wallet and ends the sandbox. */
  stop(): Promise<void>;
}

/** The longest window an offer of the shop asks for, and a little: after it nothing signed before can settle. */
export const PAST_EXPIRY_SEC = 75;

const WIDE = {
  'limits.calls_per_minute': '10000',
  'limits.per_day_usd': '50',
  'limits.per_session_usd': '20',
};

/** Starts a world; one a test file. */
export async function startTestWorld(): Promise<TestWorld> {
  const sandbox = await startSandbox();
  const wallets: TestWallet[] = [];
  let aheadMs = 0;
  let urls = 0;
  const now = (): number => Date.now() + aheadMs;
  return {
    sandbox,
    now,
    async advance(seconds) {
      await sandbox.chain.increaseTime(seconds);
      aheadMs += seconds * 1000;
    },
    async wallet({ usdMicros, settings, ...parts } = {}) {
      const wallet = await createTestWallet(sandbox, usdMicros, {
        now,
        settings: { ...WIDE, ...settings },
        ...parts,
      });
      wallets.push(wallet);
      return wallet;
    },
    url(path, query = {}) {
      const url = new URL(path, sandbox.shop.url);
      for (const [name, value] of Object.entries({ id: `u${++urls}`, ...query })) {
        url.searchParams.set(name, value);
      }
      return url.href;
    },
    async stop() {
      await Promise.all(wallets.map((wallet) => wallet.remove()));
      await sandbox.stop();
    },
  };
}

/** Arguments of a call that may cost half a dollar at most: more than anything in the tests, less than any cap. */
export function callOf(url: string, more: Partial<CallInput> & Record<string, unknown> = {}) {
  return { url, max_usd: '0.50', ...more };
}
