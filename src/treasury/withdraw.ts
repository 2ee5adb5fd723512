import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/settings.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import { WalletError } from '../errors/walletError.js';
import { isLive } from '../ledger/attempts/attempt.js';
import type { PaidFrom, Withdrawal } from '../ledger/attempts/withdrawal.js';
import { toWalletError } from '../ledger/fault.js';
import { formatUnits } from '../money/decimal.js';
import { moneyOf } from '../wallet/answer/outcome.js';
import { assertClock } from '../wallet/clock/clockCheck.js';
import { underLease, stillLeased, noteLease, takeOver, untilFree } from '../wallet/leaseKeeper.js';
import type { Engine } from '../wallet/engine.js';
import { settleAttempt } from '../wallet/settle/settlement.js';
import type { Submission, Drafted, WithdrawalRail, WithdrawalMethod } from '../rails/withdrawal.js';
import { withdrawalRailOf } from '../rails/table.js';
import { reconcileAttempt } from '../wallet/settle/reconcile.js';
import { withMarks } from '../wallet/settle/witness.js';
import {
  atomicOf,
  notEnough,
  planWithdrawal,
  readFunds,
  routeOf,
  type Route,
  type WithdrawalPlan,
  type WithdrawalOrder,
} from './withdrawPlan.js';

/** What became of a withdrawal. */
export interface Withdrawn {
  readonly withdrawal: Withdrawal;
  /** True where an earlier command signed it. */
  readonly earlier: boolean;
  /** Who carried it, null where the chain alone tells. */
  readonly via: WithdrawalMethod['kind'] | null;
  /** What those said who did not. */
  readonly messages: readonly string[];
}

/** How long a transfer that somebody took is waited for: some blocks of any network here. */
const SHOWS_MS_MAX = 60_000;
/** A facilitator that gave no answer may have sent it all the same: it shows soon, or another way is tried. */
const SILENCE_MS_MAX = 10_000;
const LOOK_EVERY_MS = 1_000;
/** A config that changes between each look and the next is not one to send under. */
const ATTEMPTS_MAX = 3;

/**
 * Takes money out of the wallet to an address of the owner's: reserved in the ledger beside all that is held, counted
 * in no cap, signed once, and carried by the first way that takes it. `decide` shows the owner what would happen; for
 * no, nothing is signed and the answer is null.
 *
 * One withdrawal at a time leaves an address in one asset: where an earlier one is open, its end comes first, and the
 * same transfer is presented again as it was signed. Throws `bad_input`, `network_disabled`, `insufficient_funds`,
 * `gas_missing`, `payment_unresolved`, `rpc_unavailable`, `ledger_*`, `signer_refused`; whether anything was signed is
 * in `money`.
 */
export async function withdraw(
  engine: Engine,
  order: WithdrawalOrder,
  decide: (plan: WithdrawalPlan) => Promise<boolean>,
  signal: AbortSignal,
): Promise<Withdrawn | null> {
  const config = await engine.config();
  const route = await routeOf(engine, config, order, signal);
  await assertClock(engine, config);
  const { network, asset, from } = route;
  const open = await engine.ledger.withdrawals.findOpen(placeOf(route));
  if (open !== null) {
    const earlier = await finishEarlier(engine, config, open, { route, order, decide }, signal);
    if (earlier !== 'gone') return earlier;
  }
  if (order.repeats !== true) await assertNotContradicted(engine, route);
  const plan = await planWithdrawal(engine, config, route, order, signal);
  // Where the operators stand is known by the time that a person has looked.
  void engine.chain(config, network).readMarks();
  if (!(await decide(plan))) return null;
  const rail = withdrawalRailOf(network);
  const drafted = await rail.draft(await engine.railPorts(config), plan, signal);
  // A person's time went by.
  const reading = await readFunds(engine, config, route, order.takesHeld, signal);
  await assertClock(engine, config);
  const opened = await engine.ledger.withdrawals.open({
    agent: engine.agent,
    network: network.caip2,
    asset,
    payFrom: from,
    payTo: route.to,
    amountAtomic: plan.amountAtomic,
    onChainAtomic: reading.onChainAtomic,
    readSeq: reading.readSeq,
    takesHeld: order.takesHeld,
    ...drafted.columns,
    nowMs: engine.now(),
  });
  if (opened.kind === 'open') throw unresolved(opened.withdrawal, 'Another one was begun meanwhile.', null);
  if (opened.kind === 'short') throw notEnough(route, plan.amountAtomic, opened);
  return goOn(engine, opened.withdrawal, async () => {
    const signed = await signRow(engine, config, drafted, opened.withdrawal);
    return submitSigned(engine, rail, signed, plan.methods, signal);
  });
}

/** What the ledger keeps withdrawals apart by. */
function placeOf({ network, asset, from }: Route): PaidFrom {
  return { network: network.caip2, asset: asset.address, payFrom: from };
}

/** Goes on with a withdrawal that has its row: a fault on the way is told with what is left of it, and how it is ended. */
function goOn(engine: Engine, row: Withdrawal, work: () => Promise<Withdrawn>): Promise<Withdrawn> {
  return underLease(engine, row.id, work).catch(async (error: unknown) => {
    throw await interrupted(engine, row, error);
  });
}

async function interrupted(engine: Engine, row: Withdrawal, error: unknown): Promise<WalletError> {
  const known = toWalletError(error);
  const withdrawal = await engine.ledger.withdrawals.find(row.id).catch(() => null);
  if (withdrawal?.state === 'released' || known.code === 'payment_unresolved') return known;
  const { owner } = known;
  const told = withdrawal === null ? 'may have been sent' : `is ${withdrawal.state}`;
  return new WalletError(
    known.code,
    `${known.shortMessage} The withdrawal ${row.id} to ${row.payTo} had been opened before that and ${told}: its amount is reserved until its end is known.`,
    {
      cause: error,
      money: withdrawal === null ? 'unknown' : moneyOf(withdrawal),
      owner: {
        say: `${owner === undefined ? '' : `${owner.say} Then `}end the withdrawal ${row.id}, which frees what never left.`,
        action: { kind: 'reconcile' },
      },
    },
  );
}

/** Signs for a held row; where that fails, or cannot be written down, nothing knows of a signature and the hold goes. */
async function signRow(
  engine: Engine,
  config: Config,
  drafted: Drafted,
  held: Withdrawal,
): Promise<Withdrawal> {
  let signed;
  try {
    await assertClock(engine, config);
    const payload = withMarks(engine, config, held, await drafted.sign(held));
    signed = await engine.ledger.withdrawals.recordSigned(held.id, payload, engine.now());
  } catch (error) {
    // Where even that cannot be written, the hold stays for `reconcile`, and the first fault is told.
    await engine.ledger.withdrawals.release(held.id, 'never_signed', engine.now()).catch(() => undefined);
    throw error;
  }
  if (signed.kind === 'done') return signed.attempt;
  throw new WalletError(
    'payment_expired',
    'The withdrawal ran out before it was signed, and was released; nothing was sent. Make it again.',
  );
}

/** Settles an earlier withdrawal, or presents it again; `gone` where it never can move money any more. */
async function finishEarlier(
  engine: Engine,
  config: Config,
  open: Withdrawal,
  asked: {
    readonly route: Route;
    readonly order: WithdrawalOrder;
    readonly decide: (plan: WithdrawalPlan) => Promise<boolean>;
  },
  signal: AbortSignal,
): Promise<Withdrawn | null | 'gone'> {
  if (!(await untilFree(engine, open, signal)))
    throw unresolved(open, 'Another command is busy with it.', null);
  const {
    attempt: withdrawal,
    message,
    retryAtMs,
    stillValid,
    owner,
  } = await reconcileAttempt(engine, open, signal);
  if (withdrawal.state === 'released') return 'gone';
  if (!isLive(withdrawal.state)) return { withdrawal, earlier: true, via: null, messages: [] };
  const { route, order, decide } = asked;
  const sameAmount =
    order.usdMicros === 'all' || atomicOf(route.asset, order.usdMicros) === withdrawal.heldAtomic;
  const isSame = withdrawal.payTo === route.to && sameAmount;
  if (!isSame || !stillValid) throw unresolved(withdrawal, message, retryAtMs, owner);
  const rail = withdrawalRailOf(route.network);
  const transfer = { ...route, amountAtomic: withdrawal.heldAtomic };
  const left = await rail.methodsLeft(await engine.railPorts(config), withdrawal, transfer, signal);
  if (left.methods.length === 0) throw unresolved(withdrawal, left.reasons.join(' '), retryAtMs);
  const reading = await readFunds(engine, config, route, true, signal);
  if (!(await decide({ ...transfer, ...reading, ...left, frozen: (await engine.ledger.head()).frozen })))
    return null;
  const done = await goOn(engine, withdrawal, () =>
    submitSigned(engine, rail, withdrawal, left.methods, signal),
  );
  return { ...done, earlier: true };
}

/**
 * T28: a facilitator said that the last withdrawal settled, and the chain's RPC that it never did. One of them is wrong;
 * where it is the RPC, the next one would be a second, so the owner looks first.
 */
async function assertNotContradicted(engine: Engine, route: Route): Promise<void> {
  const { network, asset } = route;
  const last = await engine.ledger.withdrawals.findLatest(placeOf(route));
  if (last?.state !== 'released' || last.receipt === null) return;
  const { way, tx } = JSON.parse(last.receipt) as { way: WithdrawalMethod['kind']; tx: string | null };
  // An RPC that sent it, and shows that it never arrived, contradicts nobody.
  if (way !== 'facilitator') return;
  const amount = `${formatUnits(last.heldAtomic, asset.decimals)} ${asset.symbol}`;
  throw new WalletError(
    'payment_unresolved',
    `The facilitator said that the last withdrawal (${last.id}, ${amount} to ${last.payTo}) settled${tx === null ? '' : ` in ${tx}`}, and the RPC of ${network.label} shows that it never did. One of them is wrong, so nothing was signed: see in a block explorer whether it arrived, and where it did, name another RPC (networks.${network.caip2}.rpc_url). Where it did not, say --repeat.`,
  );
}

function unresolved(
  withdrawal: Withdrawal,
  says: string,
  retryAtMs: number | null,
  owner: OwnerStep | null = null,
): WalletError {
  const when = retryAtMs === null ? '' : ` Its end can be proved after ${new Date(retryAtMs).toISOString()}.`;
  return new WalletError(
    'payment_unresolved',
    `A withdrawal to ${withdrawal.payTo} is still open (${withdrawal.id}); no second one is signed beside it. ${says}${when}`,
    {
      money: 'unknown',
      owner: owner ?? { say: 'Ask the chain about it again later.', action: { kind: 'reconcile' } },
    },
  );
}

/** Hands a signed row over, one way after the other, until the chain shows it or nobody is left. */
async function submitSigned(
  engine: Engine,
  rail: WithdrawalRail,
  signed: Withdrawal,
  methods: readonly WithdrawalMethod[],
  signal: AbortSignal,
): Promise<Withdrawn> {
  let row = signed;
  const messages: string[] = [];
  for (const method of methods) {
    if (signal.aborted) break;
    const config = await commitToSend(engine, row);
    const ports = await engine.railPorts(config);
    if (!stillLeased(row.id)) throw unresolved(row, 'This command stood still for too long.', null);
    const submission = await rail.submit(ports, row, method, signal);
    // Whoever took it makes a claim: its coins stay reserved until the chain shows where they are.
    const receipt =
      submission.kind === 'taken' ? JSON.stringify({ way: method.kind, tx: submission.tx }) : undefined;
    row = (await engine.ledger.withdrawals.markUnknown(row.id, submission.kind, engine.now(), receipt))
      .attempt;
    messages.push(submission.message);
    row = await untilShown(engine, row, waitFor(submission), signal);
    if (!isLive(row.state)) return { withdrawal: row, earlier: false, via: method.kind, messages };
    // It is on its way: another transaction for it would only burn gas.
    if (submission.kind === 'taken') break;
  }
  return { withdrawal: row, earlier: false, via: null, messages };
}

/** Makes `sent` durable: bytes may leave now. A crash after it: unknown, for the chain to judge. */
async function commitToSend(engine: Engine, row: Withdrawal): Promise<Config> {
  for (let i = 0; i < ATTEMPTS_MAX; i++) {
    const config = await engine.config();
    const nowMs = engine.now();
    if (!(await takeOver(engine, row.id))) throw unresolved(row, 'Another process is busy with it.', null);
    const sent = await engine.ledger.withdrawals.markSent(row.id, {
      configVersion: config.version,
      capLines: [],
      nowMs,
    });
    if (sent.kind === 'done') {
      noteLease(row.id);
      return config;
    }
    if (sent.kind === 'conflict') throw unresolved(sent.attempt, 'Another process is busy with it.', null);
  }
  throw new WalletError('config_stale', 'The config keeps changing; nothing was sent.', { money: 'held' });
}

function waitFor({ kind }: Submission): number {
  if (kind === 'refused') return 0;
  return kind === 'silent' ? SILENCE_MS_MAX : SHOWS_MS_MAX;
}

/** Asks the chain until it shows the transfer, nobody waits any more, or the time is up. */
async function untilShown(
  engine: Engine,
  row: Withdrawal,
  waitMs: number,
  signal: AbortSignal,
): Promise<Withdrawal> {
  const endMs = performance.now() + waitMs;
  let { attempt: withdrawal } = await settleAttempt(engine, row, signal);
  while (isLive(withdrawal.state) && performance.now() < endMs && !signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    ({ attempt: withdrawal } = await settleAttempt(engine, withdrawal, signal));
  }
  return withdrawal;
}
