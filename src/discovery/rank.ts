import type { Candidate } from './index/candidates.js';

/** How far an endpoint's use, our own history and what we hold against it move it, beside how well its words fit. */
const TRUST_WEIGHT = 0.35;
const OWN_WEIGHT = 0.25;
/** A host that took our money and brought nothing, every time, comes behind others that fit half as well. */
const LOST_WEIGHT = 0.5;
const FRESH_WEIGHT = 0.05;
/** A price that nobody states sorts behind a known one, unless its words fit far better. */
const UNPRICED_FACTOR = 0.6;
/** Offers that nobody states: it may turn out that this wallet cannot pay. */
const UNLISTED_FACTOR = 0.85;
const DAY_MS = 86_400_000;
const FRESH_DAYS = 14;
/** Results of one host that stand together: a seller with a hundred endpoints is one answer, not ten (T17). */
const PER_HOST = 2;

/** What ranking knows beside a candidate. */
export interface RankContext {
  readonly nowMs: number;
  readonly ownPurchases: (host: string) => OwnPurchases;
}

/** What our own payments to a host came to. */
export interface OwnPurchases {
  readonly delivered: number;
  /** Paid for, and nothing was brought. */
  readonly lost: number;
}

/** A candidate with its place in the order. */
export interface Ranked {
  readonly candidate: Candidate;
  readonly score: number;
  /** How many catalogues list the same endpoint. */
  readonly listedIn: number;
}

/**
 * Orders candidates: by how well the words fit, moved by use, by our own history and by whether a price is known. One
 * endpoint that several catalogues list is one result; more of one host than two come behind everybody else's.
 */
export function rank(candidates: readonly Candidate[], context: RankContext): Ranked[] {
  const best = new Map<string, Ranked>();
  for (const candidate of candidates) {
    const key = `${candidate.method} ${candidate.url}`;
    const known = best.get(key);
    const score = scoreOf(candidate, context);
    const better = known === undefined || score > known.score;
    best.set(key, {
      candidate: better ? candidate : known.candidate,
      score: better ? score : known.score,
      listedIn: (known?.listedIn ?? 0) + 1,
    });
  }
  const ordered = [...best.values()].sort(
    (a, b) =>
      stepOf(b.score) - stepOf(a.score) ||
      comparePrice(a.candidate.usdMin, b.candidate.usdMin) ||
      b.score - a.score ||
      Number(a.candidate.id - b.candidate.id),
  );
  return spreadHosts(ordered);
}

/** Scores within some hundredths of each other are equal, and then the cheapest comes first. */
const STEPS_TO_DOUBLE = 24;

function stepOf(score: number): number {
  return score <= 0 ? -Infinity : Math.round(Math.log2(score) * STEPS_TO_DOUBLE);
}

function comparePrice(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}

function scoreOf(candidate: Candidate, { nowMs, ownPurchases }: RankContext): number {
  const { fit, trust, usdMin, networks, lastCalledMs, host } = candidate;
  const { delivered, lost } = ownPurchases(host);
  const own = Math.min(1, Math.log2(1 + delivered) / 4);
  const kept = lost === 0 ? 1 : 1 - (LOST_WEIGHT * lost) / (lost + delivered);
  const fresh = lastCalledMs !== null && nowMs - lastCalledMs < FRESH_DAYS * DAY_MS ? 1 : 0;
  const weight = 1 + TRUST_WEIGHT * trust + OWN_WEIGHT * own + FRESH_WEIGHT * fresh;
  return (
    fit * weight * kept * (usdMin === null ? UNPRICED_FACTOR : 1) * (networks === null ? UNLISTED_FACTOR : 1)
  );
}

function spreadHosts(ordered: readonly Ranked[]): Ranked[] {
  const seen = new Map<string, number>();
  const [first, behind]: [Ranked[], Ranked[]] = [[], []];
  for (const ranked of ordered) {
    const count = (seen.get(ranked.candidate.host) ?? 0) + 1;
    seen.set(ranked.candidate.host, count);
    (count <= PER_HOST ? first : behind).push(ranked);
  }
  return [...first, ...behind];
}
