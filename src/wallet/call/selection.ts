import { setImmediate } from 'node:timers/promises';
import type { Config } from '../../config/settings.js';
import type { Code } from '../../errors/codes.js';
import { isWalletError, type WalletError } from '../../errors/walletError.js';
import type { Ledger } from '../../ledger/ledger.js';
import { assetsOf } from '../../money/asset.js';
import type { Network } from '../../money/network.js';
import type { UsdMicros } from '../../money/unit.js';
import type { Offer, PaymentDemand } from '../../payment/challenge.js';
import type { PaymentIntent } from '../../payment/intent.js';
import { judgePayee, medianPrice } from '../../policy/history.js';
import { hostPortOf } from '../../policy/host.js';
import type { CallCap } from '../../policy/model.js';
import {
  payeesOf,
  selectOffer,
  type Candidate,
  type Readiness,
  type Selection,
  type SellerHistory,
} from '../../policy/selectOffer.js';
import type { LineUse } from '../../policy/totals.js';
import type { Stop } from '../../policy/verdict.js';
import type { Rails } from '../../rails/table.js';
import { canPayOn, networksOf } from '../agentAddress.js';
import type { Engine } from '../engine.js';
import { assertNotStopped } from '../lightningStop.js';
import { readAddressFunds } from '../settle/addressFunds.js';
import { agentBounds, limitsOf, payeeGrantKey, useOf, type CallLimits } from './ownerRules.js';
import type { Challenge } from './probe.js';
import type { CallRequest } from './request.js';

/** How long a call that seems short of money waits for the chain to say whether it is. */
const FUNDS_MS_MAX = 5_000;

/** What an offer is selected for. */
export interface SelectionRequest {
  readonly ledger: Ledger;
  readonly rails: Rails;
  readonly config: Config;
  readonly agent: string;
  readonly sessionId: string;
  /** The agent's own bound; it can only lower what may be paid. */
  readonly maxUsdMicros: UsdMicros | undefined;
  /** The owner's cap on a call of the model that the request names. */
  readonly modelCap?: CallCap | undefined;
  readonly target: Challenge['target'];
  readonly demand: PaymentDemand;
  /** Looks up the highest price that any catalogue lists for the call; null where none does. Not asked where left out. */
  readonly listedUsdMicros?: () => UsdMicros | null;
  /** Whether the owner approved it. */
  readonly isApproved: boolean;
  /**
   * True: the totals are read before the first decision. False: only where that decision is to ask or to refuse; the hold
   * checks them when it pays.
   */
  readonly looksAtTotals: boolean;
  /** The run it is called under, by id. */
  readonly budgetId?: string | null;
  readonly nowMs: number;
}

/** How an offer is looked at on its network. With none of these it is judged by the owner's rules alone. */
export interface OfferLooks {
  readonly canPayOn?: (network: Network) => boolean;
  /** Whether the money on its network pays it. */
  readonly funds?: (offer: Offer) => Promise<Readiness>;
  /** What would be signed for it. Throws for a fault of the offer or its network. */
  readonly prepare?: (offer: Offer) => Promise<PaymentIntent>;
}

/** A selection with what a hold of it needs. */
export interface Selected {
  readonly selection: Selection;
  readonly limits: CallLimits;
  /** What counts against the caps and ceilings; null where the offer is to be paid, and the hold looks. */
  readonly usage: readonly LineUse[] | null;
  /** What would be signed for the offer to be paid; null where none is, or nothing was to be prepared. */
  readonly intent: PaymentIntent | null;
}

/** What is known of one offer. */
type Known = Pick<Candidate, 'history' | 'readiness'>;

const UNKNOWN: Known = { history: null, readiness: { kind: 'assumed' } };

/**
 * Selects among the offers of a demand: see {@link selectOffer}, which decides. What it needs to know is looked up for
 * one offer at a time, the best first: the seller's history, then its money, then what would be signed. Each look may
 * make another offer the best one; each offer is looked at in each way once at most.
 *
 * Totals are left to the hold where the offer is to be paid, and looked at to tell all that stands in the way.
 */
export async function selectFrom(request: SelectionRequest, looks: OfferLooks): Promise<Selected> {
  const { ledger, config, target, nowMs } = request;
  const limits = await limitsOf(ledger, config, { ...request, url: target.url });
  const { candidates, demand } = candidatesOf(request, looks);
  const known = new Map<number, Known>();
  const funded = new Set<number>();
  let usage = request.looksAtTotals ? await useOf(ledger, limits.capLines, request) : null;
  const prepared = new Map<number, PaymentIntent>();
  for (;;) {
    const selection = selectOffer({
      candidates: candidates.map((one) => ({ ...one, ...known.get(one.offer.index) })),
      demand,
      rules: rulesOf(request),
      hostPort: hostPortOf(target.url),
      usage,
      isApproved: request.isApproved,
      nowMs,
    });
    if (selection.decision !== 'pay' && usage === null) {
      usage = await useOf(ledger, limits.capLines, request);
      continue;
    }
    if (selection.decision === 'refuse') return { selection, limits, usage, intent: null };
    const { offer } = selection;
    const { index } = offer;
    const history = known.get(index)?.history ?? null;
    if (history === null) {
      known.set(index, { ...UNKNOWN, history: await historyOf(request, offer) });
    } else if (looks.funds !== undefined && !funded.has(index)) {
      funded.add(index);
      known.set(index, { history, readiness: await looks.funds(offer) });
    } else if (selection.decision === 'pay' && looks.prepare !== undefined && !prepared.has(index)) {
      try {
        prepared.set(index, await looks.prepare(offer));
      } catch (error) {
        known.set(index, { history, readiness: unready(error) });
      }
    } else {
      const intent = selection.decision === 'pay' ? prepared.get(index) : undefined;
      return { selection, limits, usage, intent: intent ?? null };
    }
  }
}

/** How a wallet looks at offers for a payment; for a quote nothing is prepared. */
export function looksOf(engine: Engine, config: Config, nowMs: number): Required<OfferLooks> {
  return {
    canPayOn: (network) => canPayOn(engine.keys, network),
    funds: (offer) => fundsFor(engine, config, offer),
    async prepare(offer) {
      const { network } = offer;
      if (network.family === 'lightning') assertNotStopped(engine.keys, await engine.addressOn(network));
      return engine.rails.ofOffer(offer).prepare(await engine.railPorts(config), offer, nowMs);
    },
  };
}

/** Starts to read balances, and where the operators stand, while the seller thinks: then they cost a payment no time. */
export async function warmFunds(engine: Engine, config: Config): Promise<void> {
  for (const network of networksOf(config, engine.keys)) {
    const [asset] = assetsOf(network.caip2);
    // What another family needs is loaded, and its RPC asked, only where it is in use.
    if (asset === undefined || (network.family !== 'evm' && !engine.hasRead(network))) continue;
    const address = await engine.addressOn(network);
    engine.funds.warm(engine.chain(config, network), asset, address, engine.now());
    if (network.family !== 'svm') void engine.chain(config, network).readMarks();
    else
      void engine
        .chain(config, network)
        .blockhash()
        .catch(() => undefined);
  }
}

/**
 * Reads what a payment will be judged by while the seller thinks about its price: {@link warmFunds}, and the seller's history,
 * which the ledger reads anew where anything was written meanwhile.
 */
export async function readAhead(
  engine: Engine,
  config: Config,
  { target: { url }, method }: Pick<CallRequest, 'target' | 'method'>,
): Promise<void> {
  // The request goes first.
  await setImmediate();
  await warmFunds(engine, config);
  const inUse = networksOf(config, engine.keys).filter((network) => engine.hasRead(network));
  for (const family of new Set(inUse.map(familyOf)))
    await engine.ledger.originHistory(url.origin, family, { method, url: url.href });
}

/** The CAIP-2 namespace of a network. */
function familyOf({ caip2 }: Network): string {
  return caip2.slice(0, caip2.indexOf(':'));
}

function candidatesOf({ rails, demand }: SelectionRequest, looks: OfferLooks) {
  const isForeign = ({ network }: Offer): boolean => looks.canPayOn?.(network) === false;
  const foreign = demand.offers.filter(isForeign).map(({ index, network }) => ({
    index,
    code: 'unsupported_network' as const,
    reason: `The offer is on ${network.label}, where this wallet, made of an imported EVM key, has no address.`,
  }));
  const offers = demand.offers.filter((offer) => !isForeign(offer));
  const candidates = offers.map((offer): Candidate => ({
    ...UNKNOWN,
    offer,
    proofTime: rails.ofOffer(offer).proofTime,
  }));
  return { candidates, demand: { ...demand, rejected: [...demand.rejected, ...foreign] } };
}

/** What an offer is judged by, of all that the owner set. */
export function rulesOf({
  config,
  agent,
  maxUsdMicros,
  modelCap,
}: Pick<SelectionRequest, 'config' | 'agent' | 'maxUsdMicros' | 'modelCap'>) {
  return {
    limits: config.limits,
    ceilings: config.ceilings,
    networksEnabled: config.networks.enabled,
    testnet: config.testnet,
    agent: { name: agent, ...agentBounds(config, agent) },
    hosts: config.hosts,
    askFloorUsdMicros: config.limits.askFloorUsdMicros,
    commitmentUsdMicros: config.limits.commitmentUsdMicros,
    ...(maxUsdMicros === undefined ? {} : { maxUsdMicros }),
    ...(modelCap === undefined ? {} : { modelCap }),
    ...(config.lowered === undefined ? {} : { loweredBy: config.lowered }),
  };
}

async function historyOf(
  { ledger, config, target, nowMs, listedUsdMicros: readListed }: SelectionRequest,
  { network, payTo, usdMicros }: Offer,
): Promise<SellerHistory> {
  const { url, method } = target;
  const { caip2 } = network;
  const family = familyOf(network);
  const endpoint = { method, url: url.href };
  const known = await ledger.originHistory(url.origin, family, endpoint);
  const hostPort = hostPortOf(url);
  const wouldAsk = (payees: Parameters<typeof payeesOf>[0]): boolean =>
    judgePayee({ hostPort, payTo, ...payeesOf(payees) }).verdict === 'ask';
  // Looked up only where it may spare the owner a question.
  const payees = wouldAsk(known)
    ? { ...known, payeesByEndpoint: await ledger.payeesByEndpoint(url.origin, family) }
    : known;
  const grant = wouldAsk(payees)
    ? await ledger.approvals.grant(payeeGrantKey(url.origin, caip2, payTo))
    : null;
  const seller = { ...payees, isPayeeAllowed: grant !== null };
  // Most calls cost less than the rule on prices looks at, and need not wait while dozens of rows are proved.
  if (usdMicros <= config.limits.askFloorUsdMicros)
    return { ...seller, prices: undefined, listedUsdMicros: null };
  const { prices: paid, approvedUsdMicros } = await ledger.endpointPrices(endpoint, nowMs);
  const prices = medianPrice(paid, approvedUsdMicros);
  return { ...seller, prices, listedUsdMicros: prices === undefined ? (readListed?.() ?? null) : null };
}

/** Whether the money on a network pays an offer beside what is held there; where the chain is silent, the seller will judge. */
async function fundsFor(
  engine: Engine,
  config: Config,
  { network, asset, amountAtomic: priceAtomic, paidFrom, deposit }: Offer,
): Promise<Readiness> {
  // What is paid out of a deposit left the address with that, but for what is added to it.
  if (paidFrom?.kind === 'made' && paidFrom.topUpAtomic === undefined) return { kind: 'ready' };
  const amountAtomic =
    paidFrom === undefined
      ? priceAtomic
      : paidFrom.kind === 'made'
        ? (paidFrom.topUpAtomic ?? 0n)
        : paidFrom.depositAtomic + (deposit?.feeAtomic ?? 0n);
  const address = await engine.addressOn(network);
  const chain = engine.chain(config, network);
  const solvency = await engine.funds.solvency(chain, asset, address, amountAtomic, engine.now());
  if (solvency.kind !== 'short') return { kind: 'ready' };
  const short = { ...solvency, address };
  const open = await engine.ledger.openAttemptsFrom(network.caip2, asset.address, address, 1);
  if (open.length === 0) return short;
  // Before a call is refused for it, it is looked whether what counts as held has left already.
  const { onChainAtomic, heldAtomic } = await readAddressFunds(
    engine,
    config,
    { network, asset, address },
    FUNDS_MS_MAX,
  );
  if (onChainAtomic === null) return short;
  const spendableAtomic = onChainAtomic > heldAtomic ? onChainAtomic - heldAtomic : 0n;
  return spendableAtomic >= amountAtomic ? { kind: 'ready' } : { ...short, spendableAtomic };
}

/** Faults of one offer or of its network: another offer has nothing to do with them. */
const SCOPES: Partial<Record<Code, 'offer' | 'network'>> = {
  rpc_unavailable: 'network',
  lightning_stopped: 'network',
  malformed_offer: 'offer',
  allowance_required: 'offer',
};

function unready(error: unknown): Readiness {
  const scope = isWalletError(error) ? SCOPES[error.code] : undefined;
  if (!isWalletError(error) || scope === undefined) throw error;
  return { kind: 'unready', reason: stopOf(error), scope };
}

/** A fault that stands in the way of an offer, as a refusal of it. */
export function stopOf({ code, shortMessage, owner, retryAfterSec }: WalletError): Stop {
  return {
    verdict: 'refuse',
    code,
    message: shortMessage,
    ...(owner === undefined ? {} : { owner }),
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
  };
}
