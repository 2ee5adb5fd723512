import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import { isLive } from '../ledger/attempts/attempt.js';
import type { PaidFrom, Withdrawal } from '../ledger/attempts/withdrawal.js';
import { formatUnits } from '../money/decimal.js';
import { assertClock } from '../wallet/clock/clockCheck.js';
import { untilFree } from '../wallet/leaseKeeper.js';
import type { Engine } from '../wallet/engine.js';
import type { WithdrawalMethod } from '../rails/withdrawal.js';
import { withdrawalRailOf } from '../rails/table.js';
import { reconcileAttempt } from '../wallet/settle/reconcile.js';
import { carryOut, goOn, submitSigned, unresolved, type Withdrawn } from './carry.js';
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

/**
 * Takes money out of the wallet to an address of the owner's: reserved in the ledger beside all that is held, counted
 * in no cap, signed once, and carried by the first way that takes it. `decide` shows the owner what would happen; for
 * no, nothing is signed and the answer is null.
 *
 * One withdrawal of the owner's at a time leaves an address in one asset: where an earlier one is open, its end comes first, and
 * the same transfer is presented again as it was signed. It waits for no refill: what one may still move counts as held.
 *
 * Throws `bad_input`, `network_disabled`, `insufficient_funds`, `gas_missing`, `payment_unresolved`, `rpc_unavailable`,
 * `ledger_*`, `signer_refused`; whether anything was signed is in `money`.
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
  const open = await engine.ledger.withdrawals.findOpen(placeOf(route), 'owner');
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
  if (opened.kind !== 'held') throw new WalletError('internal', 'A withdrawal was bounded as a refill is.');
  return carryOut(engine, config, { rail, drafted, held: opened.withdrawal, methods: plan.methods }, signal);
}

/** What the ledger keeps withdrawals apart by. */
export function placeOf({ network, asset, from }: Route): PaidFrom {
  return { network: network.caip2, asset: asset.address, payFrom: from };
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
    submitSigned(engine, { rail, signed: withdrawal, methods: left.methods }, signal),
  );
  return { ...done, earlier: true };
}

/**
 * T28: a facilitator said that the last withdrawal settled, and the chain's RPC that it never did. One of them is wrong;
 * where it is the RPC, the next one would be a second, so the owner looks first. A refill and a withdrawal of the owner's may
 * be under way beside each other: each is looked at until another one was begun after its end, by who had looked.
 */
export async function assertNotContradicted(engine: Engine, route: Route): Promise<void> {
  const { withdrawals } = engine.ledger;
  const [own, filled] = await Promise.all([
    withdrawals.findLatest(engine.agent, placeOf(route), 'owner'),
    withdrawals.findLatest(engine.agent, placeOf(route), 'refill'),
  ]);
  if (!wasLookedAt(own, filled)) assertAgreed(own, route);
  if (!wasLookedAt(filled, own)) assertAgreed(filled, route);
}

/** Whether another one was begun after the end of this one. */
function wasLookedAt(one: Withdrawal | null, other: Withdrawal | null): boolean {
  return one !== null && other !== null && other.openedMs > one.changedMs;
}

function assertAgreed(last: Withdrawal | null, { network, asset }: Route): void {
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
