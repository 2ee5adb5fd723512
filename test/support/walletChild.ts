// First: whoever takes scrypt before it takes Node's own.
import { recall, type Stretched } from './scryptMemory.js';
import type { CommitPoint } from '../../src/ledger/commitPoint.js';
import { closeSync, openSync, writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { isWalletError } from '../../src/errors/walletError.js';
import { removeAgent } from '../../src/treasury/agentRemoval.js';
import type { CallContext } from '../../src/wallet/call/callDeadline.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import { Wallet } from '../../src/wallet/wallet.js';
import { refill } from '../../src/treasury/refill.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import { nameOperators, type Operators } from './operators.js';
import { TEST_PASSPHRASE } from './testPassphrase.js';

/** What the program is started with. */
export interface ChildSetup {
  readonly home: string;
  /** How far its clock is from the machine's, in ms. */
  readonly aheadMs: number;
  /** Whether it looks after open payments behind its calls, as a server does. */
  readonly reconcile: boolean;
  /** RPC operators in the place of those that the table names, by network. */
  readonly operators?: Operators;
  /** What its keystore's passphrase comes to, where the one who starts it knows. */
  readonly stretched?: Stretched;
}

/** A commit of the program's ledger at which something befalls it. */
export interface Death {
  readonly point: CommitPoint;
  readonly when: 'before' | 'after';
}

/** What the program does when told, each with the value it answers. */
export type Order =
  | {
      readonly do: 'pay' | 'quote' | 'ledger' | 'balance';
      readonly input: unknown;
      /** The first agent unless named. */
      readonly agent?: string;
    }
  | { readonly do: 'freeze' | 'unfreeze' }
  /** Answers how many rows were looked at, or the code of what was thrown. */
  | { readonly do: 'reconcile' }
  /** Answers at once. */
  | { readonly do: 'ping' }
  /** Answers how the row stands, or the code of what was thrown. */
  | {
      readonly do: 'withdraw';
      readonly to: string;
      readonly usdMicros: string;
      readonly agent?: string;
      readonly network?: string;
    }
  /** Looks once whether an agent is to be refilled: answers what came of it. */
  | { readonly do: 'refill'; readonly agent: string }
  /** Answers the agent's state, or the code of what was thrown. */
  | { readonly do: 'removeAgent'; readonly name: string }
  /** Its next commit at this point is its last act. */
  | { readonly do: 'die'; readonly at: Death }
  /** Its next commit at this point is where it is stopped in its tracks, until it is let go on. */
  | { readonly do: 'stall'; readonly at: Death }
  /** At its next commit at this point the disk fills up: with this file, which whoever ordered it takes away again. */
  | { readonly do: 'fillDisk'; readonly at: Death; readonly file: string }
  /** Nothing befalls it any more. */
  | { readonly do: 'spare' }
  /** Closes the wallet, as a program does that ends in order. */
  | { readonly do: 'close' }
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
if (setup.operators !== undefined) nameOperators(setup.operators);
if (setup.stretched !== undefined) recall(setup.stretched);
type Blow = Extract<Order, { at: Death }>;
let blow: Blow | null = null;

function reach(when: Death['when'], point: CommitPoint): void {
  if (blow?.at.when !== when || blow.at.point !== point) return;
  const met = blow;
  blow = null;
  // A signal is delivered before the call returns: nothing of this process runs after it.
  if (met.do === 'die') process.kill(process.pid, 'SIGKILL');
  else if (met.do === 'stall') process.kill(process.pid, 'SIGSTOP');
  else fillUp(met.file);
}

/** Writes a file until no byte more fits on its disk. */
function fillUp(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (let size = 1 << 20; size > 0; size >>= 1) {
      const piece = Buffer.alloc(size);
      try {
        while (writeSync(fd, piece) === size);
      } catch {
        // No room for so much; a smaller piece may fit.
      }
    }
  } finally {
    closeSync(fd);
  }
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

async function reconcileNow(): Promise<number | string> {
  try {
    return (await reconcileAll(await wallet.engine(), nobodyCancels.signal)).length;
  } catch (error) {
    if (isWalletError(error)) return error.code;
    throw error;
  }
}

const walletOf = (agent?: string): Wallet => (agent === undefined ? wallet : wallet.forAgent(agent));

async function withdrawTo(order: Extract<Order, { do: 'withdraw' }>): Promise<string> {
  const { to, usdMicros, agent, network } = order;
  const wish = {
    to,
    usdMicros: usdMicros === 'all' ? ('all' as const) : BigInt(usdMicros),
    network,
    takesHeld: false,
  };
  try {
    const engine = await walletOf(agent).engine();
    const done = await withdraw(engine, wish, async () => true, nobodyCancels.signal);
    return done?.withdrawal.state ?? 'declined';
  } catch (error) {
    if (isWalletError(error)) return error.code;
    throw error;
  }
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'pay':
      return walletOf(order.agent).pay(order.input, nobodyCancels);
    case 'quote':
      return walletOf(order.agent).quote(order.input, nobodyCancels);
    case 'ledger':
      return walletOf(order.agent).ledger(order.input, nobodyCancels);
    case 'balance':
      return walletOf(order.agent).balance(order.input);
    case 'withdraw':
      return withdrawTo(order);
    case 'refill':
      return (await refill(await wallet.engine(), order.agent, nobodyCancels.signal)).kind;
    case 'removeAgent':
      return removeByName(order.name);
    case 'freeze':
      return (await wallet.engine()).ledger.freeze(now());
    case 'unfreeze':
      return (await wallet.engine()).ledger.unfreeze(now());
    case 'reconcile':
      return reconcileNow();
    case 'ping':
      return null;
    case 'die':
    case 'stall':
    case 'fillDisk':
      blow = order;
      return null;
    case 'spare':
      blow = null;
      return null;
    case 'close':
      await wallet.close();
      return null;
    case 'clock':
      aheadMs = order.aheadMs;
      return null;
    case 'noteConfig':
      return (await wallet.engine()).ledger.noteConfigVersion(order.version, now());
  }
}

// Most of these programs are killed, and what was compiled would be kept only at an end in order.
let isKept = false;
function keepCompiled(): void {
  if (!isKept) flushCompileCache();
  isKept = true;
}

process.on('message', ({ id, order }: Asked) => {
  const obeyed = obey(order);
  void obeyed.then(keepCompiled, keepCompiled);
  void obeyed.then(
    (value) => process.send?.({ id, value: value ?? null } satisfies Answered),
    (error: unknown) => process.send?.({ id, error: String(error) } satisfies Answered),
  );
});
// A parent that is gone leaves no program behind.
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: 'ready' } satisfies Answered);
