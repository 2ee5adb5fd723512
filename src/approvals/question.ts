import { createHash } from 'node:crypto';
import { formatUsd } from '../money/decimal.js';
import { cleanLine } from '../text/untrusted.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';

/** An approval lives ten minutes: long enough to fetch a person, short enough that its offer is still the seller's. */
export const APPROVAL_LIFE_MS = 10 * 60_000;

/** How a limit stands as the question is asked. */
export interface CapStanding {
  readonly name: string;
  readonly maxUsdMicros: UsdMicros;
  readonly usedUsdMicros: UsdMicros;
}

/**
 * What a person is asked, complete: every field that will be signed, and what helps to judge it. Text of the seller
 * and of the agent is kept apart and quoted as theirs.
 */
export interface Question {
  readonly approvalId: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly requestHash: string;
  readonly method: string;
  readonly url: string;
  /** In punycode. */
  readonly host: string;
  readonly network: string;
  readonly networkLabel: string;
  readonly asset: string;
  readonly assetSymbol: string;
  readonly payTo: string;
  readonly amountAtomic: AtomicAmount;
  readonly usdMicros: UsdMicros;
  /** The rule that asks, in one sentence of ours. */
  readonly why: string;
  readonly caps: readonly CapStanding[];
  /** Captured payments to this origin before, and the address the last one went to. */
  readonly paidBefore: { readonly payments: number; readonly lastPayTo: string | null };
  /** The seller's own description: untrusted. */
  readonly sellerSays: string | null;
  /** The agent's reason: untrusted. */
  readonly agentSays: string | null;
  readonly createdMs: number;
  readonly expiresMs: number;
}

/**
 * The digest an answer is bound to (T18): over every field that will be signed or that identifies the call, never
 * over prose. A change of any one of them makes another question.
 */
export function digestOf(question: Question): string {
  const bound = [
    'purser approval 1',
    question.approvalId,
    question.agent,
    question.sessionId,
    question.requestHash,
    question.method,
    question.url,
    question.network,
    question.asset.toLowerCase(),
    question.payTo.toLowerCase(),
    question.amountAtomic.toString(),
    question.expiresMs,
  ];
  return createHash('sha256').update(JSON.stringify(bound)).digest('hex');
}

const SHOWN_MAX = 200;

/** A longer host would push the reason for asking out of the lines that are seen; it stands whole further down. */
const HOST_SHOWN_MAX = 48;

/** A host with its port, cut at its beginning: its end says whose it is. */
function shortHost(url: string): string {
  const { host } = new URL(url);
  return host.length <= HOST_SHOWN_MAX ? host : `…${host.slice(1 - HOST_SHOWN_MAX)}`;
}

/**
 * The question as lines of plain text, for a prompt or a terminal; strangers' words are quoted, cleaned and cut. Amount,
 * host and the reason for asking come first: a client may show three lines and no more.
 */
export function describeQuestion(question: Question): string[] {
  const { payments, lastPayTo } = question.paidBefore;
  const before =
    payments === 0
      ? 'nothing was ever paid there'
      : `${payments} payments before, the last to ${lastPayTo ?? '?'}`;
  return [
    `Pay $${formatUsd(question.usdMicros)} (${question.assetSymbol} on ${question.networkLabel}) to ${shortHost(question.url)}?`,
    `Why you are asked: ${question.why}`,
    `${question.method} ${cleanLine(question.url, SHOWN_MAX)}`,
    `Host: ${question.host} (${before})`,
    `To: ${question.payTo}`,
    ...question.caps.map(
      ({ name, maxUsdMicros, usedUsdMicros }) =>
        `${name}: $${formatUsd(usedUsdMicros)} of $${formatUsd(maxUsdMicros)} used`,
    ),
    ...(question.agentSays === null ? [] : [`The agent says: ${quoteLine(question.agentSays)}`]),
    ...(question.sellerSays === null ? [] : [`The seller says: ${quoteLine(question.sellerSays)}`]),
    `Agent ${question.agent}, session ${question.sessionId}.`,
  ];
}

/** A stranger's words as one quotation, which nothing in them ends (T16). */
function quoteLine(text: string): string {
  return `"${cleanLine(text, SHOWN_MAX).replaceAll('"', "'")}"`;
}
