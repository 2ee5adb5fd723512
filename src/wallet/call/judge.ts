import type { EndpointPrices } from '../../ledger/seller.js';
import type { Offer, PaymentDemand } from '../../payment/challenge.js';
import type { Config } from '../../config/settings.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { CapLine, RateLine } from '../../money/cap.js';
import type { Caip2 } from '../../money/network.js';
import { judgeBreaker, judgePayee, judgePrice, type PriceHistory } from '../../policy/history.js';
import { hostPortOf } from '../../policy/host.js';
import { capLines, rateLines } from '../../policy/limits.js';
import { nameLowered } from '../clientLimits.js';
import { agentBounds, lineRequest } from './lineRequest.js';
import { chooseOffer } from '../../policy/offer.js';
import { judgeTotals, judgeUsedUp } from '../../policy/totals.js';
import { ALLOW, judgeRequest, strictest, type Stop, type Verdict } from '../../policy/verdict.js';
import type { UsdMicros } from '../../money/unit.js';

/** Who asks for what, where: all that the owner's rules look at beside the offer. */
export interface Asking {
  readonly agent: string;
  readonly sessionId: string;
  readonly method: string;
  /** The URL that asked for the payment: the only one it may go to (T9). */
  readonly url: URL;
  readonly nowMs: number;
  /** The agent's own bound; it can only lower what may be paid. */
  readonly maxUsdMicros?: UsdMicros;
}

/** The offer that would be paid, the word on it, and the lines its hold must keep to. */
export interface Judged {
  readonly offer: Offer;
  readonly verdict: Verdict;
  /** Every rule that asks the owner, the strictest first; empty where the verdict allows. */
  readonly asks: readonly Stop[];
  /** Whether a changed payee is among what asks. */
  readonly asksForPayee: boolean;
  /** The owner's cap on this one agent that the payment would pass, by its key of the config; null for none. */
  readonly ownCapPassed: string | null;
  readonly capLines: readonly CapLine[];
  readonly rateLines: readonly RateLine[];
}

/** The lines that bound a request's spending, with what the owner raised for this session. */
export async function linesFor(
  ledger: Ledger,
  config: Config,
  asking: Pick<Asking, 'agent' | 'sessionId' | 'url'>,
) {
  const { agent, sessionId, url } = asking;
  const request = lineRequest(config, { agent, sessionId, hostPort: hostPortOf(url) });
  return {
    capLines: await raiseLines(ledger, capLines(config, request)),
    rateLines: rateLines(config.limits, request),
  };
}

/** The lines as the owner's answers raised them: a session's own cap, for that session alone, never a ceiling. */
export async function raiseLines(ledger: Ledger, lines: readonly CapLine[]): Promise<CapLine[]> {
  return await Promise.all(
    lines.map(async (line) => {
      if (!isSessionCap(line)) return line;
      const raised = BigInt((await ledger.approvals.grant(sessionGrantKey(line.scope.sessionId))) ?? 0);
      return raised > line.usdMicrosMax ? { ...line, usdMicrosMax: raised } : line;
    }),
  );
}

/** Whether a line is a session's own cap, for all it buys: what an answer of the owner's can raise. */
export function isSessionCap(
  line: CapLine,
): line is CapLine & { readonly scope: { readonly kind: 'session'; readonly sessionId: string } } {
  return line.kind === 'cap' && line.scope.kind === 'session' && line.scope.category === undefined;
}

/** The key under which a raised cap of a session is kept. */
export function sessionGrantKey(sessionId: string): string {
  return `session ${sessionId}`;
}

/** The key under which a payee that the owner allowed for an origin is kept. */
export function payeeGrantKey(origin: string, network: string, payTo: string): string {
  return `payee ${origin} ${network} ${payTo.toLowerCase()}`;
}

/** Whether the owner lets this place be called at all. */
export function judgePlace(config: Config, url: URL): Verdict {
  return judgeRequest({ hosts: config.hosts, hostPort: hostPortOf(url) });
}

/**
 * Refuses a call that no price fits any more, before its endpoint is asked: an agent that goes on calling when all is
 * spent costs its sellers nothing. Lines of a host or a category say nothing yet, since a redirect may lead elsewhere.
 */
export async function judgeBefore(ledger: Ledger, config: Config, asking: Asking): Promise<Verdict> {
  const lines = (await linesFor(ledger, config, asking)).capLines.filter(
    ({ kind, scope }) =>
      kind === 'ceiling' &&
      scope.kind !== 'host' &&
      scope.kind !== 'category' &&
      !(scope.kind === 'session' && scope.category !== undefined),
  );
  const used = await ledger.usage(lines, asking.nowMs);
  return judgeUsedUp(lines.map((line, i) => ({ line, usedUsdMicros: used[i] ?? 0n })));
}

/**
 * Chooses among the offers and applies every rule of the owner's to the chosen one. The totals are looked at as they
 * stand; the hold looks again, in the step that decides.
 */
export async function judgeChallenge(
  ledger: Ledger,
  config: Config,
  asking: Asking,
  required: PaymentDemand,
): Promise<Judged | { readonly offer: undefined; readonly verdict: Stop }> {
  const { maxUsdMicros } = asking;
  const choice = chooseOffer({
    offers: required.offers,
    rejected: required.rejected,
    otherProtocols: required.otherProtocols,
    limits: config.limits,
    ceilings: config.ceilings,
    networksEnabled: config.networks.enabled,
    testnet: config.testnet,
    agent: { name: asking.agent, ...agentBounds(config, asking.agent) },
    ...(maxUsdMicros === undefined ? {} : { maxUsdMicros }),
  });
  if (choice.offer === undefined) return choice;
  const { offer } = choice;
  const lines = await linesFor(ledger, config, asking);
  const history = await judgeHistory(ledger, config, asking, offer);
  const exceeded = await exceededNow(ledger, lines.capLines, offer, asking.nowMs);
  const verdicts = [
    judgePlace(config, asking.url),
    choice.verdict,
    judgeTotals({ usdMicros: offer.usdMicros, exceeded }),
    ...Object.values(history),
  ].map((verdict) => nameLowered(verdict, config));
  const asks = verdicts.filter((verdict) => verdict.verdict === 'ask');
  const asksForPayee = history.payee.verdict === 'ask';
  const ownCapPassed =
    ownCallCapPassed(config, asking.agent, offer) ??
    exceeded.find(({ line }) => line.isAgentsOwn)?.line.name ??
    null;
  return { offer, verdict: strictest(verdicts), asks, asksForPayee, ownCapPassed, ...lines };
}

/** The agent's own cap on one call, where the offer passes it; it is no line, since it needs no history. */
function ownCallCapPassed(config: Config, agent: string, { usdMicros }: Offer): string | null {
  const max = agentBounds(config, agent).limits.perCallUsdMicros;
  return max !== undefined && usdMicros > max ? `agents.${agent}.limits.per_call_usd` : null;
}

async function exceededNow(ledger: Ledger, lines: readonly CapLine[], offer: Offer, nowMs: number) {
  const used = await ledger.usage(lines, nowMs);
  return lines
    .map((line, i) => ({ line, usedUsdMicros: used[i] ?? 0n }))
    .filter(({ line, usedUsdMicros }) => usedUsdMicros + offer.usdMicros > line.usdMicrosMax);
}

async function judgeHistory(ledger: Ledger, config: Config, asking: Asking, offer: Offer) {
  const { url, nowMs } = asking;
  const hostPort = hostPortOf(url);
  const history = await ledger.originHistory(url.origin, familyOf(offer.network.caip2));
  const payee = judgePayee({ hostPort, payTo: offer.payTo, history: history.payees });
  const allowed = payeeGrantKey(url.origin, offer.network.caip2, offer.payTo);
  const breaker = judgeBreaker({
    hostPort,
    strikes: history.strikes,
    lastStrikeMs: history.lastStrikeMs,
    nowMs,
  });
  const isAllowed = payee.verdict === 'ask' && (await ledger.approvals.grant(allowed)) !== null;
  return {
    breaker,
    payee: isAllowed ? ALLOW : payee,
    price: await judgePriceNow(ledger, config, asking, offer),
  };
}

/** The CAIP-2 namespace of a network. */
function familyOf(caip2: Caip2): string {
  return caip2.slice(0, caip2.indexOf(':'));
}

async function judgePriceNow(
  ledger: Ledger,
  config: Config,
  asking: Asking,
  { usdMicros }: Offer,
): Promise<Verdict> {
  const { askFloorUsdMicros } = config.limits;
  // Most calls cost less than the rule looks at, and need not wait while dozens of rows are proved.
  if (usdMicros <= askFloorUsdMicros) return ALLOW;
  const { method, url, nowMs } = asking;
  const history = priceHistory(await ledger.endpointPrices({ method, url: url.href }, nowMs));
  return judgePrice({ usdMicros, askFloorUsdMicros, history });
}

function priceHistory({ prices, approvedUsdMicros }: EndpointPrices): PriceHistory | undefined {
  const sorted = [...prices].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const medianUsdMicros = sorted[Math.floor((sorted.length - 1) / 2)];
  const highestUsdMicros = sorted.at(-1);
  if (medianUsdMicros === undefined || highestUsdMicros === undefined) return undefined;
  return { medianUsdMicros, highestUsdMicros, approvedUsdMicros };
}
