import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { TimeGiven } from '../../chain/chain.js';
import type { Network } from '../../money/network.js';
import type { ClockVerdict } from '../../policy/clock.js';
import { networksOf } from '../agentAddress.js';
import { openChain, rpcSourceOf } from '../chains.js';
import type { ClockWatch } from './clockWatch.js';
import type { Engine } from '../engine.js';
import { within } from '../settle/funds.js';

/** How long operators are waited for that are asked for the time: whoever is slower is done without. */
const WAIT_MS_MAX = 1_500;
/** Where the time could not be had, it is asked for again after this. ms */
const ASK_EVERY_MS = 60_000;

/** When a wallet last asked for the time and did not find its clock right, by the monotonic clock; forgotten with it. */
const askedInVainMs = new WeakMap<Engine['clock'], { readonly atMs: number; readonly offsetMs: number }>();

/**
 * Throws `clock_wrong` where the wall clock is off by over a minute by those that agree (T30): nothing is signed or
 * written down then. Answers that came anyway are nearly always enough; otherwise the operators are asked once, and where
 * they cannot tell either, the call goes on: see {@link ClockWatch} for what ledger time does meanwhile. They are also
 * asked before a clock is called wrong: it may have been set right since, and the machine have slept.
 */
export async function assertClock(engine: Engine, config: Config): Promise<void> {
  await checkClock(engine, config);
  refuseWrong(engine.clock.verdict());
}

/** Throws `clock_wrong` for a clock that is. */
export function refuseWrong(verdict: ClockVerdict): void {
  if (verdict.kind === 'wrong') throw wrongClock(verdict);
}

/** Asks the operators for the time where the clock is not known to be right, so that ledger time goes on with it. */
export async function checkClock(engine: Engine, config: Config): Promise<void> {
  if (!isRight(engine)) await askForTime(engine, config);
}

function isRight({ clock }: Engine): boolean {
  return clock.verdict().kind === 'right';
}

async function askForTime(engine: Engine, config: Config): Promise<void> {
  const atMs = performance.now();
  const offsetMs = engine.now() - atMs;
  const asked = askedInVainMs.get(engine.clock);
  // After a jump of the clock it is asked anew.
  if (asked !== undefined && atMs - asked.atMs < ASK_EVERY_MS && Math.abs(offsetMs - asked.offsetMs) < 1_000)
    return;
  const networks = networksOf(config, engine.keys);
  const inUse = networks.filter((network) => engine.hasRead(network));
  const others = networks.filter((network) => !inUse.includes(network));
  // A network that is not in use is asked only where those in use cannot tell.
  for (const round of [inUse, others]) {
    const asking = round.map((network) => engine.chain(config, network).askTime(engine.closing));
    await within(untilTold(engine, asking), WAIT_MS_MAX);
    if (isRight(engine)) return;
  }
  askedInVainMs.set(engine.clock, { atMs, offsetMs });
}

/** Ends with the first answer after which the clock is found right, or with the last one. */
async function untilTold(engine: Engine, asking: readonly Promise<void>[]): Promise<void> {
  const told = asking.map(async (one) => {
    await one;
    if (!isRight(engine)) throw new Error('not told yet');
  });
  await Promise.any(told).catch(() => undefined);
}

/**
 * Has every operator of these networks tell the time to `clock`, where no wallet is open; where it cannot be had the clock
 * stays unchecked. Never rejects.
 */
export async function readClock(
  clock: ClockWatch,
  config: Config,
  networks: readonly Network[],
): Promise<ClockVerdict> {
  await Promise.all(networks.map((network) => within(askOperators(clock, config, network), WAIT_MS_MAX)));
  return clock.verdict();
}

async function askOperators(clock: ClockWatch, config: Config, network: Network): Promise<void> {
  const rpc = rpcSourceOf(config, network);
  const onTime = (time: TimeGiven): void => clock.noteOperator(time, rpc.ownerSet);
  const { chain, net } = openChain(config, network, undefined, rpc, onTime);
  try {
    await chain.askTime();
  } finally {
    await net?.close();
  }
}

function wrongClock({ aheadMs, by }: Extract<ClockVerdict, { kind: 'wrong' }>): WalletError {
  const off = sayOff(aheadMs);
  return new WalletError(
    'clock_wrong',
    `The clock of this computer is ${off} by the time of ${by.join(' and ')}, so nothing was signed; do not retry before its owner has set it.`,
    {
      owner: {
        say: `The clock of this computer is ${off}. Set it, best by its own time service; nothing is paid until then.`,
      },
    },
  );
}

/** How far a clock is off: `3 hours ahead`. */
export function sayOff(aheadMs: number): string {
  return `${sayTime(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
}

/** Each unit, and from how many on it is used. */
const UNITS = [
  ['days', 86_400_000, 3],
  ['hours', 3_600_000, 2],
  ['minutes', 60_000, 2],
] as const;

/** A span to the nearest whole unit, in the largest one that says it well: `3 hours`. */
export function sayTime(ms: number): string {
  const [unit, size] = UNITS.find(([, size, from]) => Math.round(ms / size) >= from) ?? ['seconds', 1_000];
  return `${Math.round(ms / size)} ${unit}`;
}
