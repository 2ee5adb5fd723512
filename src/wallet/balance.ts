import type { Session } from '../ledger/books/session.js';
import type { Config } from '../config/settings.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import { assetsOf, type Asset } from '../money/asset.js';
import type { CapLine } from '../money/cap.js';
import { formatUnits, formatUsd, parseUsd } from '../money/decimal.js';
import { networkNotEnabled, type Network } from '../money/network.js';
import { perCallLimit, capLines, rateLines } from '../policy/limits.js';
import { networksOf } from './agentAddress.js';
import { checkClock } from './clock/clockCheck.js';
import type { Engine } from './engine.js';
import { viewEntitlement, type EntitlementView } from './entitlement/entitlement.js';
import { readAddressFunds, type AssetAddress } from './settle/addressFunds.js';
import { within } from './settle/funds.js';
import type { BalanceInput } from './input.js';
import { agentBounds, agentBudgetLines, isSessionCap, lineRequest, raiseLines } from './call/ownerRules.js';
import { outcome, type Outcome } from './answer/outcome.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';

/** One asset on one network. `on_chain` and `spendable` are null where its RPC does not answer. */
export interface BalanceLine {
  readonly network: string;
  readonly label: string;
  readonly asset: string;
  readonly address: string;
  readonly on_chain: string | null;
  readonly held: string;
  readonly spendable: string | null;
  readonly on_chain_atomic: string | null;
  readonly held_atomic: string;
  /** What Permit2 may move of it, where the owner allowed it anything or a permit left something; null for nothing. */
  readonly permit2_allowance: string | null;
}

/** One cap: how much of it is used and left. */
export interface LimitLine {
  readonly name: string;
  readonly kind: CapLine['kind'];
  readonly max_usd: string;
  /** What is held counts as used. Null for the bound on a single call. */
  readonly used_usd: string | null;
  readonly left_usd: string;
}

/** An RPC that is silent for longer leaves its line unknown: whoever asked is told of the others. */
const BALANCE_MS_MAX = 5_000;

/** It is read beside the balance, by the same RPC. */
const ALLOWANCE_MS_MAX = 1_000;

/** A name no host has: host lines are listed from the config, not for one request. */
const NO_HOST = 'none.invalid:443';

/** Every bound of the owner's with what is left of it, caps first. */
export async function limitLines(
  engine: Engine,
  config: Config,
  session: Pick<Session, 'id'>,
): Promise<LimitLine[]> {
  const hosts = [
    ...new Set([...config.limits.hostPerDayUsdMicros.keys(), ...config.ceilings.hostPerDayUsdMicros.keys()]),
  ];
  const { agent } = engine;
  const request = { agent, sessionId: session.id };
  const bounds = agentBounds(config, agent);
  const general = capLines(config, lineRequest(config, { ...request, hostPort: NO_HOST }, engine.now()));
  const forHosts = hosts.flatMap((host) =>
    capLines(config, { ...request, hostPort: /:\d+$/.test(host) ? host : `${host}:443` }).filter(({ name }) =>
      name.includes(`.hosts.${host}.`),
    ),
  );
  const forCategories = categoriesBounded(config).flatMap((category) =>
    capLines(config, { ...request, hostPort: NO_HOST, category }).filter(({ name }) =>
      name.includes(`.categories.${category}.`),
    ),
  );
  const lines = await raiseLines(engine.ledger, [...general, ...forHosts, ...forCategories]);
  const used = await engine.ledger.usage(lines, engine.now());
  const perCall = (['limits', 'ceilings'] as const).map((section): LimitLine => {
    const bound = perCallLimit(section, config[section], agent, bounds[section]);
    const max = formatUsd(bound.usdMicrosMax);
    return {
      name: bound.name,
      kind: section === 'limits' ? 'cap' : 'ceiling',
      max_usd: max,
      used_usd: null,
      left_usd: max,
    };
  });
  const rolling = lines.map((line, i) => limitLine(line, used[i] ?? 0n));
  return [...perCall, ...rolling].sort((a, b) => Number(a.kind === 'ceiling') - Number(b.kind === 'ceiling'));
}

/** Every category that some line bounds. */
function categoriesBounded({ limits, ceilings }: Config): string[] {
  const maps = [limits, ceilings].flatMap((section) => [
    section.categoryPerSessionUsdMicros,
    section.categoryPerDayUsdMicros,
    section.categoryPerMonthUsdMicros,
  ]);
  return [...new Set(maps.flatMap((map) => [...map.keys()]))].sort();
}

function limitLine(line: CapLine, used: bigint): LimitLine {
  const left = line.usdMicrosMax > used ? line.usdMicrosMax - used : 0n;
  return {
    name: line.name,
    kind: line.kind,
    max_usd: formatUsd(line.usdMicrosMax),
    used_usd: formatUsd(used),
    left_usd: formatUsd(left),
  };
}

/** How many payments may begin in a minute: the wallet's bound, and the agent's own where it has one. */
export function rateBounds(
  config: Config,
  agent: string,
): { readonly name: string; readonly calls: number }[] {
  const request = lineRequest(config, { agent, sessionId: '', hostPort: NO_HOST }, 0);
  return rateLines(config.limits, request).map(({ name, callsMax }) => ({ name, calls: callsMax }));
}

/** What is on chain, held and free to spend on each enabled network, and what is left of each cap. */
export async function balance(
  engine: Engine,
  session: Pick<Session, 'id'>,
  input: BalanceInput,
): Promise<Outcome> {
  const config = await engine.config();
  const networks = chosenNetworks(engine, config, input.network);
  const lines = await Promise.all(
    networks.flatMap((network) =>
      assetsOf(network.caip2).map((asset) => balanceLine(engine, config, network, asset)),
    ),
  );
  await checkClock(engine, config);
  const bounds = await limitLines(engine, config, session);
  const prepaid = await prepaidOf(engine);
  const silent = lines.filter(({ on_chain }) => on_chain === null);
  const known = lines.filter(({ spendable }) => spendable !== null);
  const message = [
    ...known.map(({ label, spendable, asset }) => `${label}: ${spendable ?? ''} ${asset} to spend`),
    ...(silent.length === 0
      ? []
      : [`${silent.map(({ label }) => label).join(', ')}: unknown, since no RPC answers`]),
  ].join('; ');
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `${mayBeSpent(bounds)} ${message}.${prepaidWords(prepaid)}`,
    tell_owner: tellOfSilence(lines, input.network !== undefined),
    balances: lines,
    prepaid: prepaid.length === 0 ? null : prepaid,
    limits: bounds,
    frozen: (await engine.ledger.head()).frozen,
  });
}

/**
 * What the owner is told of networks whose RPC is silent: of one that was asked for, that money of this wallet is held on, or
 * that stands alone. Of others the message says as much, and the owner need do nothing while there is money elsewhere.
 */
export function tellOfSilence(
  lines: readonly Pick<BalanceLine, 'label' | 'on_chain' | 'spendable' | 'held_atomic'>[],
  isChosen: boolean,
): OwnerStep | null {
  const silent = lines.filter(({ on_chain }) => on_chain === null);
  const isAnyFunded = lines.some(({ spendable }) => spendable !== null && Number(spendable) > 0);
  const needed =
    isChosen || !isAnyFunded ? silent : silent.filter(({ held_atomic: held }) => BigInt(held) > 0n);
  if (needed.length === 0) return null;
  return { say: `No RPC answers for ${[...new Set(needed.map(({ label }) => label))].join(', ')}.` };
}

/** More lines than that are for the owner's list. */
const PREPAID_MAX = 50;

/** What this agent bought ahead and has not used up, newest first. */
async function prepaidOf(engine: Engine): Promise<EntitlementView[]> {
  const { agent, ledger } = engine;
  const live = await ledger.entitlements.list({ agent, isLive: true }, PREPAID_MAX);
  const nowMs = engine.now();
  return live.filter(({ expiresMs }) => expiresMs === null || expiresMs > nowMs).map(viewEntitlement);
}

function prepaidWords(prepaid: readonly EntitlementView[]): string {
  if (prepaid.length === 0) return '';
  const placesOf = (some: readonly EntitlementView[]): string =>
    [...new Set(some.map(({ origin }) => origin))].join(', ');
  const jobs = prepaid.filter(({ kind }) => kind === 'job');
  const others = prepaid.filter(({ kind }) => kind !== 'job');
  return [
    ...(others.length === 0 ? [] : [` Prepaid, and used before anything is paid, at ${placesOf(others)}.`]),
    ...(jobs.length === 0
      ? []
      : [
          ` ${jobs.length} ${jobs.length === 1 ? 'job was' : 'jobs were'} bought and not fetched yet, at ${placesOf(jobs)}: wallet_quote of origin and path fetches it, free.`,
        ]),
  ].join('');
}

/** The windows of an amount, as a person names them, and the end of a limit's name. */
const WINDOWS = [
  ['call', '.per_call_usd'],
  ['session', '.per_session_usd'],
  ['day', '.per_day_usd'],
  ['month', '.per_month_usd'],
] as const;

/**
 * What can be spent without a question, and what not even an answer allows. The window with the least left comes first, as it
 * is what counts; a call's own bound is beside it.
 */
function mayBeSpent(bounds: readonly LimitLine[]): string {
  const { call, windows } = leftOf(bounds, 'cap');
  const [least, ...others] = windows;
  const perCall = call === undefined ? '' : `, at most $${formatUsd(call)} a call`;
  const may =
    least === undefined
      ? `You may spend what you have without asking${perCall}`
      : `You may still spend $${formatUsd(least.left)} without asking (${least.word})${perCall}${listed(others)}`;
  const never = leftOf(bounds, 'ceiling');
  const ceilings = [
    ...(never.call === undefined ? [] : [`$${formatUsd(never.call)} a call`]),
    ...never.windows.map(leftWords),
  ];
  return `${may}. What is held counts as used. Above that the owner is asked; above ${ceilings.join(', ')} never.`;
}

interface WindowLeft {
  readonly word: string;
  readonly left: bigint;
}

/** The least that is left in each window, the least of all first, and the bound on a single call. */
function leftOf(
  bounds: readonly LimitLine[],
  kind: LimitLine['kind'],
): { readonly call: bigint | undefined; readonly windows: readonly WindowLeft[] } {
  const windows = WINDOWS.flatMap(([word, end]) => {
    const own = bounds.filter(
      (line) => line.kind === kind && line.name.endsWith(end) && !/\.(hosts|categories)\./.test(line.name),
    );
    const left = own.map((line) => parseUsd(line.left_usd, line.name));
    return left.length === 0 ? [] : [{ word, left: left.reduce((a, b) => (a < b ? a : b)) }];
  });
  return {
    call: windows.find(({ word }) => word === 'call')?.left,
    windows: windows
      .filter(({ word }) => word !== 'call')
      .toSorted((a, b) => (a.left < b.left ? -1 : a.left > b.left ? 1 : 0)),
  };
}

function listed(windows: readonly WindowLeft[]): string {
  return windows.length === 0 ? '' : `; ${windows.map(leftWords).join(', ')}`;
}

function leftWords({ word, left }: WindowLeft): string {
  return `${word} $${formatUsd(left)}`;
}

function chosenNetworks(engine: Engine, config: Config, wanted: string | undefined): Network[] {
  const enabled = networksOf(config, engine.keys);
  if (wanted === undefined) return enabled;
  const chosen = enabled.filter(({ caip2 }) => caip2 === wanted);
  if (chosen.length > 0) return chosen;
  throw networkNotEnabled(wanted, config.networks.enabled);
}

async function balanceLine(
  engine: Engine,
  config: Config,
  network: Network,
  asset: Asset,
): Promise<BalanceLine> {
  const address = await engine.addressOn(network);
  const reading = await readAddressFunds(engine, config, { network, asset, address }, BALANCE_MS_MAX);
  const allowed =
    reading.onChainAtomic === null ? null : await readAllowance(engine, config, { network, asset, address });
  const { onChainAtomic: onChain, heldAtomic: held } = reading;
  const free = onChain === null ? null : onChain > held ? onChain - held : 0n;
  const text = (atomic: AtomicAmount | null): string | null =>
    atomic === null ? null : formatUnits(atomic, asset.decimals);
  return {
    network: network.caip2,
    label: network.label,
    asset: asset.symbol,
    address,
    on_chain: text(onChain),
    held: formatUnits(held, asset.decimals),
    spendable: text(free),
    on_chain_atomic: onChain?.toString() ?? null,
    held_atomic: held.toString(),
    permit2_allowance: allowed === null || allowed === 0n ? null : text(allowed),
  };
}

/** What Permit2 may move, or null where its chain has none or is silent: it says nothing of what can be spent. */
async function readAllowance(
  engine: Engine,
  config: Config,
  { network, asset, address }: AssetAddress,
): Promise<AtomicAmount | null> {
  if (network.family !== 'evm' || asset.family !== 'evm') return null;
  const chain = engine.chain(config, network);
  return within(chain.allowance(asset, address as `0x${string}`), ALLOWANCE_MS_MAX);
}

/** Dollars that the agent may still spend in a session without asking; null where the config cannot be read. */
export async function sessionLeft(engine: Engine, session: Pick<Session, 'id'>): Promise<string | null> {
  const left = await sessionUsdMicrosLeft(engine, session);
  return left === null ? null : formatUsd(left);
}

/** What a program may still spend without asking: of the agent's session, and of its run. Null where that cannot be read. */
export async function programLeft(engine: Engine, budgetId: string | null): Promise<UsdMicros | null> {
  const nowMs = engine.now();
  const session = await engine.ledger.currentSession(engine.agent, nowMs);
  const left = await sessionUsdMicrosLeft(engine, session ?? { id: '' });
  if (budgetId === null || left === null) return left;
  const ofRun = (await engine.ledger.budgets.use(budgetId, nowMs))?.leftUsdMicros ?? 0n;
  return ofRun < left ? ofRun : left;
}

/** What is left of the budgets that an agent's payments count in, its owner's and a run's: the least. Null where there is none. */
export async function budgetLeft(engine: Engine, budgetId: string | null): Promise<UsdMicros | null> {
  const nowMs = engine.now();
  const lines = agentBudgetLines(await engine.config(), engine.agent, nowMs);
  const used = lines.length === 0 ? [] : await engine.ledger.usage(lines, nowMs);
  const ofOwner = lines.map(({ usdMicrosMax }, i) => usdMicrosMax - (used[i] ?? 0n));
  const run = budgetId === null ? null : await engine.ledger.budgets.use(budgetId, nowMs);
  const left = run === null ? ofOwner : [...ofOwner, run.leftUsdMicros];
  if (left.length === 0) return null;
  const least = left.reduce((a, b) => (a < b ? a : b));
  return least > 0n ? least : 0n;
}

async function sessionUsdMicrosLeft(engine: Engine, session: Pick<Session, 'id'>): Promise<UsdMicros | null> {
  try {
    const config = await engine.config();
    const where = { agent: engine.agent, sessionId: session.id, hostPort: NO_HOST };
    const lines = await raiseLines(
      engine.ledger,
      capLines(config, lineRequest(config, where, engine.now())).filter(isSessionCap),
    );
    const used = await engine.ledger.usage(lines, engine.now());
    const left = lines.map(({ usdMicrosMax }, i) => usdMicrosMax - (used[i] ?? 0n));
    // The wallet's bound on a session, or the agent's own: the one with less left.
    const least = left.reduce((a, b) => (a < b ? a : b));
    return least > 0n ? least : 0n;
  } catch {
    return null;
  }
}
