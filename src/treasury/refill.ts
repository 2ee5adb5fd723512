import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import { isLive } from '../ledger/attempts/attempt.js';
import type { RefillTerms, Withdrawal, WithdrawalResult } from '../ledger/attempts/withdrawal.js';
import { assetsOf, toUsdMicros, type Asset } from '../money/asset.js';
import type { Network } from '../money/network.js';
import type { UsdMicros } from '../money/unit.js';
import { refillRule, refillVerdict, type RefillRule } from '../policy/refill.js';
import { withdrawalRailOf } from '../rails/table.js';
import type { WithdrawalMethod } from '../rails/withdrawal.js';
import { networksOf } from '../wallet/agentAddress.js';
import { assertClock } from '../wallet/clock/clockCheck.js';
import type { Engine } from '../wallet/engine.js';
import { readAddressFunds, settleOpen } from '../wallet/settle/addressFunds.js';
import { carryOut } from './carry.js';
import { assertNotContradicted, placeOf } from './withdraw.js';
import { atomicOf, readFunds, type Route } from './withdrawPlan.js';

/** An RPC that is silent for longer leaves what the agent has unknown, and nothing is sent. */
const FUNDS_MS_MAX = 5_000;

/** Whether an agent has enough is told by what its own payments read, if that is no older. */
const KNOWN_MS_MAX = 60_000;

/** What came of a look at one agent. */
export type Refill =
  /** It has enough, nobody asked for refills, or nothing may be sent for it now. */
  | { readonly kind: 'none' }
  /** One is on its way or has just arrived, or a network did not answer: the next look tells. */
  | { readonly kind: 'later' }
  | { readonly kind: 'sent'; readonly withdrawal: Withdrawal; readonly from: string }
  /** It needs one and gets none, until its owner does something. */
  | {
      readonly kind: 'not';
      readonly why: 'day_used' | 'source_empty' | 'no_facilitator' | 'contradicted';
      readonly from: string;
      readonly leftUsdMicros: UsdMicros;
    };

/** One asset on one network, at the agent's address and at that of the agent it is refilled from. */
interface Place {
  readonly network: Network;
  readonly asset: Asset;
  readonly to: string;
  readonly from: string;
}

/**
 * Tops an agent up from the agent that its owner named, where it has less than its line. A facilitator pays the gas: no
 * other way is taken, for the gas would count in nothing. Reserved in the ledger within what refills may bring in a day, in
 * the step that checks it; that step lets one process alone send for one need.
 *
 * Throws `rpc_unavailable`, `clock_wrong`, `ledger_*`, `signer_refused`, `payment_unresolved`; what was signed by then stays
 * reserved until its end is proved.
 */
export async function refill(engine: Engine, agent: string, signal: AbortSignal): Promise<Refill> {
  const config = await engine.config();
  const rule = refillRule(config.agents, agent);
  if (rule === null || (await isStopped(engine, rule))) return { kind: 'none' };
  const places = await placesBetween(engine, config, rule);
  if (await hasEnough(engine, rule, places)) return { kind: 'none' };
  // Before any balance is read: what moves behind it is seen to have moved.
  const readSeq = (await engine.ledger.head()).seq;
  const leftUsdMicros = await readLeft(engine.forAgent(agent), config, places);
  if (leftUsdMicros === null) return { kind: 'later' };
  if (leftUsdMicros >= rule.belowUsdMicros) return { kind: 'none' };
  await assertClock(engine, config);
  const terms = termsOf(rule, places);
  const refilledUsdMicros = await engine.ledger.withdrawals.refilledUsdMicros(terms, engine.now());
  const need = { leftUsdMicros, refilledUsdMicros };
  let found: Refill | null = null;
  for (const place of await inOrder(engine, agent, places)) {
    const tried = await refillOn(engine, config, { rule, place, terms, need, readSeq }, signal);
    if (tried.kind !== 'not' || tried.why === 'day_used') return tried;
    // That somebody carries it where there is no money helps nobody.
    if (found === null || tried.why !== 'source_empty') found = tried;
  }
  return found ?? { kind: 'none' };
}

/** A freeze, and a suspension or the end of either agent, stop it; the ledger looks again. */
async function isStopped(engine: Engine, { agent, from }: RefillRule): Promise<boolean> {
  const { ledger } = engine;
  const [head, ...bars] = await Promise.all([
    ledger.head(),
    ...[agent, from].map((name) => ledger.agents.barOf(name, engine.now())),
  ]);
  return head.frozen || bars.some((bar) => bar !== null);
}

/** Where an agent can be refilled: the first dollar of each enabled network. */
async function placesBetween(engine: Engine, config: Config, { agent, from }: RefillRule): Promise<Place[]> {
  const [target, source] = [engine.forAgent(agent), engine.forAgent(from)];
  // What a Lightning wallet holds is every agent's already.
  const networks = networksOf(config, engine.keys).filter(({ family }) => family !== 'lightning');
  const found = await Promise.all(
    networks.map(async (network): Promise<Place[]> => {
      const [asset] = assetsOf(network.caip2);
      if (asset === undefined) return [];
      return [{ network, asset, to: await target.addressOn(network), from: await source.addressOn(network) }];
    }),
  );
  return found.flat();
}

/** Whether what is remembered of balances is enough: then no network is asked. */
async function hasEnough(
  engine: Engine,
  { belowUsdMicros }: RefillRule,
  places: readonly Place[],
): Promise<boolean> {
  const { funds, ledger } = engine;
  const sinceMs = engine.now() - KNOWN_MS_MAX;
  let sum = 0n;
  for (const { network, asset, to } of places) {
    const known = funds.known(asset, to);
    if (known === null || known.atMs < sinceMs) continue;
    const held = await ledger.heldAtomic(network.caip2, asset.address, to);
    if (known.onChainAtomic > held) sum += toUsdMicros(asset, known.onChainAtomic - held);
  }
  return sum >= belowUsdMicros;
}

/** What an agent has left on all networks together; null where one did not answer. */
async function readLeft(own: Engine, config: Config, places: readonly Place[]): Promise<UsdMicros | null> {
  const left = await Promise.all(
    places.map(async ({ network, asset, to: address }) => {
      const funds = await readAddressFunds(own, config, { network, asset, address }, FUNDS_MS_MAX);
      if (funds.onChainAtomic === null) return null;
      const free = funds.onChainAtomic - funds.heldAtomic;
      return free > 0n ? toUsdMicros(asset, free) : 0n;
    }),
  );
  return left.reduce<UsdMicros | null>((sum, one) => (sum === null || one === null ? null : sum + one), 0n);
}

function termsOf({ agent, perDayUsdMicros }: RefillRule, places: readonly Place[]): RefillTerms {
  return { agent, addresses: [...new Set(places.map(({ to }) => to))], perDayUsdMicros };
}

/** Where the agent paid last comes first, then the owner's order of networks. */
async function inOrder(engine: Engine, agent: string, places: readonly Place[]): Promise<Place[]> {
  const { attempts } = await engine.ledger.listAttempts({ agent, kind: 'payment' }, 1, null);
  const isLast = ({ network }: Place): boolean => network.caip2 === attempts[0]?.network;
  return [...places.filter(isLast), ...places.filter((place) => !isLast(place))];
}

/** What a refill on one network goes by. */
interface Wanted {
  readonly rule: RefillRule;
  readonly place: Place;
  readonly terms: RefillTerms;
  readonly need: { readonly leftUsdMicros: UsdMicros; readonly refilledUsdMicros: UsdMicros };
  readonly readSeq: number;
}

async function refillOn(
  engine: Engine,
  config: Config,
  { rule, place, terms, need, readSeq }: Wanted,
  signal: AbortSignal,
): Promise<Refill> {
  const source = engine.forAgent(rule.from);
  const { network, asset } = place;
  const { leftUsdMicros } = need;
  const not = (why: Extract<Refill, { kind: 'not' }>['why']): Refill => ({
    ...{ kind: 'not', why, from: rule.from, leftUsdMicros },
  });
  await settleOpen(source, { network, asset, address: place.from }, FUNDS_MS_MAX);
  if ((await engine.ledger.withdrawals.findOpen(placeOf(place), 'anybody')) !== null)
    return { kind: 'later' };
  const funds = await readFunds(source, config, place, false, signal);
  const verdict = refillVerdict(rule, { ...need, freeUsdMicros: toUsdMicros(asset, funds.spendableAtomic) });
  if (verdict.kind === 'enough') return { kind: 'none' };
  if (verdict.kind === 'not') return not(verdict.why);
  if (await isContradicted(source, place)) return not('contradicted');
  const transfer = { ...place, amountAtomic: atomicOf(asset, verdict.usdMicros) };
  const rail = withdrawalRailOf(network);
  const ports = await source.railPorts(config);
  const ways = await rail.methodsFor(ports, transfer, signal);
  const methods = ways.methods.filter(({ kind }: WithdrawalMethod) => kind === 'facilitator');
  if (methods.length === 0) return not('no_facilitator');
  const drafted = await rail.draft(ports, { ...transfer, ...ways, methods }, signal);
  const opened = await engine.ledger.withdrawals.open({
    ...{ agent: rule.from, network: network.caip2, asset, payFrom: place.from, payTo: place.to },
    ...{ amountAtomic: transfer.amountAtomic, onChainAtomic: funds.onChainAtomic, readSeq, takesHeld: false },
    ...drafted.columns,
    refill: terms,
    nowMs: engine.now(),
  });
  if (opened.kind !== 'held') return notOpened(opened, not);
  const check = (now: Config): void => assertSameRule(now, rule, network);
  const carried = { rail, drafted, held: opened.withdrawal, methods, check };
  const { withdrawal } = await carryOut(source, config, carried, signal);
  return isLive(withdrawal.state) ? { kind: 'later' } : { kind: 'sent', withdrawal, from: rule.from };
}

function notOpened(
  opened: Exclude<WithdrawalResult, { kind: 'held' }>,
  not: (why: Extract<Refill, { kind: 'not' }>['why']) => Refill,
): Refill {
  if (opened.kind === 'day_used') return not('day_used');
  if (opened.kind === 'frozen' || opened.kind === 'barred') return { kind: 'none' };
  // Another process was quicker, or payments were: the next look reads it all again.
  return { kind: 'later' };
}

/** T28: where a facilitator and the chain contradict each other, the owner looks before anything more is sent. */
async function isContradicted(source: Engine, route: Route): Promise<boolean> {
  try {
    await assertNotContradicted(source, route);
    return false;
  } catch (error) {
    if (error instanceof WalletError && error.code === 'payment_unresolved') return true;
    throw error;
  }
}

/** An owner who changed a refill a moment ago is obeyed: what was signed is not sent, and ends by its proof. */
function assertSameRule(config: Config, rule: RefillRule, { caip2 }: Network): void {
  const now = refillRule(config.agents, rule.agent);
  const isSame =
    now !== null &&
    now.from === rule.from &&
    now.belowUsdMicros === rule.belowUsdMicros &&
    now.toUsdMicros === rule.toUsdMicros &&
    now.perDayUsdMicros === rule.perDayUsdMicros;
  if (isSame && config.networks.enabled.includes(caip2)) return;
  throw new WalletError(
    'config_stale',
    `The refill of the agent ${rule.agent} was changed; nothing was sent.`,
    {
      money: 'held',
    },
  );
}
