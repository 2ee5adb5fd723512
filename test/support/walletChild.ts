import { isWalletError } from '../../src/errors/walletError.js';
import type { CommitPoint } from '../../src/ledger/sqlite/writer.js';
import { removeAgent } from '../../src/treasury/agentRemoval.js';
import type { CallContext } from '../../src/wallet/callBound.js';
import { reconcileAll } from '../../src/wallet/reconcile.js';
import { Wallet } from '../../src/wallet/wallet.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import { TEST_PASSPHRASE } from './testPassphrase.js';

/** What the program is started with. */
export interface ChildSetup {
  readonly home: string;
  /** How far its clock is from the machine's, in ms. */
  readonly aheadMs: number;
  /** Whether it looks after open payments behind its calls, as a server does. */
  readonly reconcile: boolean;
}

/** Where the program kills itself. */
export interface Death {
  readonly point: CommitPoint;
  readonly when: 'before' | 'after';
}

/** What the program does when told, each with the value it answers. */
export type Order =
  | { readonly do: 'pay' | 'quote' | 'ledger' | 'balance'; readonly input: unknown }
  | { readonly do: 'freeze' | 'unfreeze' | 'reconcile' }
  /** Answers how the row stands, or the code of what was thrown. */
  | { readonly do: 'withdraw'; readonly to: string; readonly usdMicros: string }
  /** Answers the agent's state, or the code of what was thrown. */
  | { readonly do: 'removeAgent'; readonly name: string }
  /** Its next commit at this point is its last act. */
  | { readonly do: 'die'; readonly at: Death }
  | { readonly do: 'clock'; readonly aheadMs: number }
  | { readonly do: 'noteConfig'; readonly version: number };

/** One message to the program, and one from it. */
export interface Asked {
  readonly id: number;
  readonly order: Order;
}
export interface Answered {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

const setup = JSON.parse(process.argv[2] ?? '') as ChildSetup;
let { aheadMs } = setup;
let death: Death | null = null;

function reach(when: Death['when'], point: CommitPoint): void {
  // The signal is delivered before the call returns: nothing of this process runs after it.
  if (death?.when === when && death.point === point) process.kill(process.pid, 'SIGKILL');
}

const now = (): number => Date.now() + aheadMs;
const wallet = new Wallet(
  {
    home: setup.home,
    version: '0.0.0-test',
    env: {},
    platform: process.platform,
    now,
    passphrase: async () => TEST_PASSPHRASE,
    observer: {
      beforeCommit: (point) => reach('before', point),
      afterCommit: (point) => reach('after', point),
    },
  },
  { reconcile: setup.reconcile },
);
const nobodyCancels: CallContext = { signal: new AbortController().signal };

async function removeByName(name: string): Promise<string> {
  try {
    const keeps = { leavesMoney: false };
    return (await removeAgent(await wallet.engine(), name, keeps, nobodyCancels.signal)).agent.state;
  } catch (error) {
    if (isWalletError(error)) return error.code;
    throw error;
  }
}

async function withdrawTo(to: string, usdMicros: string): Promise<string> {
  const wish = {
    to,
    usdMicros: usdMicros === 'all' ? ('all' as const) : BigInt(usdMicros),
    takesHeld: false,
  };
  try {
    const done = await withdraw(await wallet.engine(), wish, async () => true, nobodyCancels.signal);
    return done?.payment.state ?? 'declined';
  } catch (error) {
    if (isWalletError(error)) return error.code;
    throw error;
  }
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'pay':
      return wallet.pay(order.input, nobodyCancels);
    case 'quote':
      return wallet.quote(order.input, nobodyCancels);
    case 'ledger':
      return wallet.ledger(order.input, nobodyCancels);
    case 'balance':
      return wallet.balance(order.input);
    case 'withdraw':
      return withdrawTo(order.to, order.usdMicros);
    case 'removeAgent':
      return removeByName(order.name);
    case 'freeze':
      return (await wallet.engine()).ledger.freeze(now());
    case 'unfreeze':
      return (await wallet.engine()).ledger.unfreeze(now());
    case 'reconcile':
      return (await reconcileAll(await wallet.engine(), nobodyCancels.signal)).length;
    case 'die':
      death = order.at;
      return null;
    case 'clock':
      aheadMs = order.aheadMs;
      return null;
    case 'noteConfig':
      return (await wallet.engine()).ledger.noteConfigVersion(order.version, now());
  }
}

process.on('message', ({ id, order }: Asked) => {
  void obey(order).then(
    (value) => process.send?.({ id, value: value ?? null } satisfies Answered),
    (error: unknown) => process.send?.({ id, error: String(error) } satisfies Answered),
  );
});
// A parent that is gone leaves no program behind.
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: 'ready' } satisfies Answered);
