import type { Offer } from '../payment/challenge.js';
import type { Code } from '../errors/codes.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import type { Caip2 } from '../money/network.js';
import { formatUsd } from '../money/decimal.js';
import { hostOf, namesOf } from './host.js';
import { perCallLimit, type AgentAmounts, type Amounts } from './limits.js';
import type { CallCap } from './model.js';
import type { UsdMicros } from '../money/unit.js';

/** The rule that decided, with its figures, for results and for what a person is asked. */
export interface DecidingLine {
  /** The config key, such as `limits.per_call_usd`, or `max_usd` for the agent's own bound. */
  readonly name: string;
  readonly usdMicrosMax: UsdMicros;
  /** What the line still has room for; never below zero. */
  readonly usdMicrosLeft: UsdMicros;
}

/** What every answer but `allow` says. */
interface Answer {
  readonly code: Code;
  /** One sentence for the agent, with the figures; says "do not retry" where the answer is final. */
  readonly message: string;
  readonly line?: DecidingLine;
  readonly owner?: OwnerStep;
  readonly retryAfterSec?: number;
}

/** The policy's word on a request or an offer. `ask`: the owner may allow it; `refuse`: nobody may. */
export type Verdict =
  | { readonly verdict: 'allow' }
  | ({ readonly verdict: 'ask' } & Answer)
  | ({ readonly verdict: 'refuse' } & Answer);

/** A verdict that does not let the call go on by itself. */
export type Stop = Exclude<Verdict, { verdict: 'allow' }>;

export const ALLOW: Verdict = { verdict: 'allow' };

const SEVERITY = { allow: 0, ask: 1, refuse: 2 } as const;

/** The strictest of several verdicts; of equal ones the first. None at all allow. */
export function strictest(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce(
    (worst, next) => (SEVERITY[next.verdict] > SEVERITY[worst.verdict] ? next : worst),
    ALLOW,
  );
}

/** The owner's lists of hosts; an empty `allow` allows every host. */
export interface HostRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const PLAIN_HOST = /^[a-z0-9._-]+$|^\[[0-9a-f:.]+\]$/;

/**
 * Whether the owner lets the agent call this host at all. Deny beats allow. T11: entries are exact, a `host`
 * (every port of it) or one `host:port`; there are no wildcards, so that no entry covers a name its owner never saw.
 *
 * `hostPort` comes from {@link hostPortOf}.
 */
export function judgeRequest({ hosts, hostPort }: { hosts: HostRules; hostPort: string }): Verdict {
  const host = hostOf(hostPort);
  const names = namesOf(hostPort);
  if (names.some((name) => hosts.deny.includes(name))) {
    return {
      verdict: 'refuse',
      code: 'host_denied',
      message: `The owner denies every call to ${host} (hosts.deny); do not retry.`,
    };
  }
  if (hosts.allow.length === 0 || names.some((name) => hosts.allow.includes(name))) return ALLOW;
  return {
    verdict: 'refuse',
    code: 'host_not_allowed',
    message: `The owner allows other hosts only, and ${host} is not one of them (hosts.allow); do not retry.`,
    owner: {
      say: `The agent wants to call ${host}, which is not in hosts.allow.`,
      // T11: a URL's host may hold quotes and semicolons; a command to be pasted into a shell may not.
      ...(PLAIN_HOST.test(host) && {
        action: { kind: 'addToSetting' as const, key: 'hosts.allow', entry: host },
      }),
    },
  };
}

/** A billion dollars: no call costs it, and thousands of such amounts still add up within the ledger's 64 bits. */
export const PRICE_USD_MICROS_MAX = 10n ** 15n;

/** What judging an offer needs of the owner's config and of the call. */
export interface OfferRules {
  readonly limits: Pick<Amounts, 'perCallUsdMicros'>;
  readonly ceilings: Pick<Amounts, 'perCallUsdMicros'>;
  /** Whose call it is, with its own narrower bounds. */
  readonly agent?: {
    readonly name: string;
    readonly limits: AgentAmounts;
    readonly ceilings: AgentAmounts;
  };
  /** The owner's cap on a call of the model that is asked for. */
  readonly modelCap?: CallCap;
  /** In the owner's order of preference. */
  readonly networksEnabled: readonly Caip2[];
  /** Whether this wallet is for test networks. */
  readonly testnet: boolean;
  /** The agent's own bound on this call; it can only lower what may be paid. */
  readonly maxUsdMicros?: UsdMicros;
  /** Caps that the client lowered for its own process, each under its key with the variable that did. */
  readonly loweredBy?: LoweredBy;
}

/** Caps that a client lowered for its own process: the variable of its environment that did, by the key of the config. */
export type LoweredBy = ReadonlyMap<string, string> | undefined;

/** A limit as a message names it: by the owner's key, or by the variable of a client that lowered it. */
export function nameOfLimit(key: string, loweredBy: LoweredBy): string {
  const variable = loweredBy?.get(key);
  return variable === undefined ? key : `${variable} of this client`;
}

/**
 * What the owner can do about a cap: set it to `usdMicros`. Where the client lowered it, that would change nothing, and
 * the place to change it is named instead.
 */
export function raiseCap(say: string, key: string, usdMicros: UsdMicros, loweredBy: LoweredBy): OwnerStep {
  const variable = loweredBy?.get(key);
  if (variable === undefined)
    return { say, action: { kind: 'setSetting', key, value: formatUsd(usdMicros) } };
  return {
    say: `${say} This client sets that limit itself, by ${variable}: change it in the settings of Purser in this client, then restart the client.`,
  };
}

/**
 * The verdict on one offer by itself: its network and its price. What was spent before is judged by the ledger's
 * lines, see {@link judgeTotals}.
 *
 * A ceiling speaks before `max_usd`, since raising `max_usd` would be in vain.
 */
export function judgeOffer({ offer, ...rules }: OfferRules & { readonly offer: Offer }): Verdict {
  const disabled = judgeNetwork(offer, rules);
  if (disabled.verdict !== 'allow') return disabled;
  const price = offer.usdMicros;
  if (price > PRICE_USD_MICROS_MAX) return uncountable(price);
  const { agent } = rules;
  const ceilingBound = perCallLimit('ceilings', rules.ceilings, agent?.name ?? '', agent?.ceilings);
  const ceiling = ceilingBound.usdMicrosMax;
  if (price > ceiling) {
    return {
      verdict: 'refuse',
      code: 'above_ceiling',
      message:
        `The price of $${formatUsd(price)} is above the ceiling of $${formatUsd(ceiling)} a call ` +
        `(${ceilingBound.name}), which no approval passes; do not retry.`,
      line: lineOf(ceilingBound.name, ceiling),
      owner: {
        say: `A call at $${formatUsd(price)} was refused: your ceiling is $${formatUsd(ceiling)} a call.`,
      },
    };
  }
  const max = rules.maxUsdMicros;
  if (max !== undefined && price > max) {
    return {
      verdict: 'refuse',
      code: 'price_above_max',
      message:
        `The price of $${formatUsd(price)} is above this call's max_usd of $${formatUsd(max)}; ` +
        `call again with a higher max_usd only if the answer is worth the price.`,
      line: lineOf('max_usd', max),
    };
  }
  const capBound = perCallLimit('limits', rules.limits, agent?.name ?? '', agent?.limits, rules.modelCap);
  const cap = capBound.usdMicrosMax;
  if (price > cap) {
    return {
      verdict: 'ask',
      code: 'above_cap',
      message:
        `The price of $${formatUsd(price)} is above the cap of $${formatUsd(cap)} a call ` +
        `(${nameOfLimit(capBound.name, rules.loweredBy)}), which only the owner can lift; do not retry.`,
      line: lineOf(capBound.name, cap),
      owner: raiseCap(
        `The agent wants to pay $${formatUsd(price)} for one call; your cap is $${formatUsd(cap)} a call.`,
        capBound.name,
        price,
        rules.loweredBy,
      ),
    };
  }
  return ALLOW;
}

function uncountable(price: bigint): Stop {
  return {
    verdict: 'refuse',
    code: 'above_ceiling',
    message:
      `The price of $${formatUsd(price)} is above $${formatUsd(PRICE_USD_MICROS_MAX)}, the most that this wallet ` +
      `counts for a call, which no approval passes; do not retry.`,
  };
}

/** A single call's bound has the whole of it left, whatever was spent before. */
function lineOf(name: string, usdMicrosMax: UsdMicros): DecidingLine {
  return { name, usdMicrosMax, usdMicrosLeft: usdMicrosMax };
}

/** Whether the owner lets money move on a network; also asked again in the step that sends. */
export function judgeNetwork(
  { network, usdMicros }: Pick<Offer, 'network' | 'usdMicros'>,
  { networksEnabled, testnet }: Pick<OfferRules, 'networksEnabled' | 'testnet'>,
): Verdict {
  if (networksEnabled.includes(network.caip2)) return { verdict: 'allow' };
  const code = 'network_disabled';
  const price = formatUsd(usdMicros);
  if (network.testnet !== testnet) {
    const [kind, other] = testnet ? ['test', 'real'] : ['real', 'test'];
    return {
      verdict: 'refuse',
      code,
      message: `The seller takes ${other} money ($${price} on ${network.label}) and this wallet holds ${kind} money; do not retry.`,
    };
  }
  return {
    verdict: 'refuse',
    code,
    message: `The seller takes $${price} on ${network.label} (${network.caip2}), which the owner has not enabled; do not retry.`,
    owner: {
      say: `The agent wants to pay $${price} on ${network.label}, which is not enabled.`,
      action: { kind: 'addToSetting', key: 'networks.enabled', entry: network.caip2 },
    },
  };
}
