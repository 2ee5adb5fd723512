import { createHash } from 'node:crypto';
import { formatUsd } from '../money/decimal.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';
import { cleanLine, cleanText } from '../text/untrusted.js';

/** An approval lives ten minutes: long enough to fetch a person, short enough that its offer is still the seller's. */
export const APPROVAL_LIFE_MS = 10 * 60_000;

/** How a limit stands as the question is asked. */
export interface CapStanding {
  readonly name: string;
  readonly maxUsdMicros: UsdMicros;
  readonly usedUsdMicros: UsdMicros;
}

/** What was paid to an origin before. */
export interface PaidBefore {
  /** How many payments were captured. */
  readonly payments: number;
  /** The address that the last one went to; null where there was none. */
  readonly lastPayTo: string | null;
  /** The amounts that were paid most often, the most frequent first. */
  readonly prices: readonly { readonly usdMicros: UsdMicros; readonly payments: number }[];
}

/** What catalogues say that a call costs: a hint, which decides nothing (T17). */
export interface ListedPrice {
  /** In dollars; a range has a hyphen, and what several catalogues say has commas. */
  readonly usd: string;
  /** Whether the live price agrees with one of them. */
  readonly fits: boolean;
}

/** A file of this machine that is sent along. */
export interface SentFile {
  /** Where it lies, symbolic links resolved: the agent chose it, and its name may be anything. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * What a person is asked, complete: every field that will be signed, and what helps to judge it. Text of the seller
 * and of the agent is kept apart and quoted as theirs.
 */
export interface Question {
  readonly approvalId: string;
  readonly agent: string;
  /** What the client calls itself: its own word. Null where it gave no name. */
  readonly client: string | null;
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
  /** What it promises beside: the same again in each period, in words; absent where it is paid once. */
  readonly terms?: string;
  /**
   * The deposit that is made with it, which it is paid out of: atomic units, and dollars; absent where none is. `delaySec`: how
   * long its rest stays there where the seller does not give it back, by the seller's terms; absent where these do not say.
   */
  readonly deposit?: { readonly atomic: string; readonly usd: string; readonly delaySec?: number };
  /** The rule that asks, in one sentence of ours. */
  readonly why: string;
  readonly caps: readonly CapStanding[];
  readonly paidBefore: PaidBefore;
  /** What of this machine's files goes to the seller; absent where none does. */
  readonly files?: readonly SentFile[];
  /** Null where no catalogue lists the call. */
  readonly listed: ListedPrice | null;
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
    ...(question.terms === undefined ? [] : [question.terms]),
    ...(question.deposit === undefined ? [] : [boundDeposit(question.deposit)]),
    ...(question.files === undefined ? [] : [question.files.map(({ path, bytes }) => [path, bytes])]),
  ];
  return createHash('sha256').update(JSON.stringify(bound)).digest('hex');
}

/** What an answer is bound to of a deposit. */
export function boundDeposit({ atomic, delaySec }: NonNullable<Question['deposit']>): (string | number)[] {
  return ['channel', atomic, ...(delaySec === undefined ? [] : [delaySec])];
}

const SHOWN_MAX = 200;

/** A longer host would push the reason for asking out of the lines that are seen; it stands whole further down. */
const HOST_SHOWN_MAX = 48;

/** What a yes also sends, such as `a file of this computer (2,048 bytes)`; null where it sends no file. */
export function sentWords({ files = [] }: Pick<Question, 'files'>): string | null {
  const [first] = files;
  if (first === undefined) return null;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0).toLocaleString('en-US');
  return files.length === 1
    ? `a file of this computer (${bytes} bytes)`
    : `${files.length} files of this computer (${bytes} bytes together)`;
}

/** Such a file by its whole path, cleaned, as one quotation. */
export function fileWords({ path, bytes }: SentFile): string {
  return `${quotePath(path)}, ${bytes.toLocaleString('en-US')} bytes`;
}

function quotePath(path: string): string {
  return `"${cleanLine(path, PATH_SHOWN_MAX).replaceAll('"', "'")}"`;
}

/** No path of a file that is sent is longer. */
const PATH_SHOWN_MAX = 4_096;

/** Where a question's money goes, with the port where it is not the usual one. */
export function hostOf({ url }: Pick<Question, 'url'>): string {
  return new URL(url).host;
}

/** Who asks: the client by the name that it gives itself, and the agent by ours. */
export function askerOf({ client, agent }: Pick<Question, 'client' | 'agent'>): string {
  return client === null ? `Agent ${agent}` : `${client} (agent ${agent})`;
}

/** What was paid to an origin before, such as "9 times $0.01, once $0.05"; "never" where nothing was. */
export function paidWords({ payments, prices }: PaidBefore): string {
  if (payments === 0) return 'never';
  const named = prices.map((price) => `${timesWords(price.payments)} $${formatUsd(price.usdMicros)}`);
  const others = payments - prices.reduce((sum, price) => sum + price.payments, 0);
  if (others <= 0) return named.join(', ');
  const rest = timesWords(others);
  return named.length === 0 ? rest : [...named, `${rest} another amount`].join(', ');
}

function timesWords(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}

/** A host with its port, cut at its beginning: its end says whose it is. */
function shortHost(question: Question): string {
  const host = hostOf(question);
  return host.length <= HOST_SHOWN_MAX ? host : `…${host.slice(1 - HOST_SHOWN_MAX)}`;
}

/**
 * The question as lines of plain text, for a prompt or a terminal; strangers' words are quoted, cleaned and cut. Amount,
 * host and the reason for asking come first: a client may show three lines and no more.
 */
export function describeQuestion(question: Question): string[] {
  const { lastPayTo } = question.paidBefore;
  const last = lastPayTo === null ? '' : `; the last time to ${lastPayTo}`;
  const url = wholeUrl(question);
  const { files = [] } = question;
  const sent = sentWords(question);
  return [
    `Pay $${formatUsd(question.usdMicros)} (${question.assetSymbol} on ${question.networkLabel}) to ${shortHost(question)}?`,
    ...(question.terms === undefined ? [] : [`It is a subscription: ${question.terms}`]),
    ...(question.deposit === undefined ? [] : [depositWords(question.deposit)]),
    `Why you are asked: ${question.why}`,
    ...(sent === null
      ? []
      : [
          `Sends ${sent} to the seller, so that it leaves your machine:`,
          ...files.map((file) => `  ${fileWords(file)}`),
        ]),
    `${question.method} ${cleanLine(url, SHOWN_MAX)}`,
    `Paid to ${hostOf(question)} before: ${paidWords(question.paidBefore)}${last}`,
    ...(question.listed === null ? [] : [`Listed price: $${question.listed.usd}`]),
    `To: ${question.payTo}`,
    ...question.caps.map(
      ({ name, maxUsdMicros, usedUsdMicros }) =>
        `${name}: $${formatUsd(usedUsdMicros)} of $${formatUsd(maxUsdMicros)} used`,
    ),
    ...(question.agentSays === null ? [] : [`The agent says: ${quoteLine(question.agentSays)}`]),
    ...(question.sellerSays === null ? [] : [`The seller says: ${quoteLine(question.sellerSays)}`]),
    `${cleanLine(askerOf(question), SHOWN_MAX)}, session ${question.sessionId}.`,
    // Last: a long one pushes nothing out of sight, and nothing of it is cut.
    ...(url.length <= SHOWN_MAX ? [] : [`The whole address (${url.length} characters): ${url}`]),
  ];
}

/** What is deposited with a yes, as a sentence. */
export function depositWords({ usd, delaySec }: NonNullable<Question['deposit']>): string {
  const wait =
    delaySec === undefined
      ? ''
      : `, where the seller does not give it back ${delayWords(delaySec)} after you ask for it`;
  return `It deposits $${usd} with the seller, in a channel, and pays this call and later ones out of it; what they leave comes back${wait}`;
}

/** A time that is waited, rounded up to what a person counts in. s */
function delayWords(sec: number): string {
  const [count, unit] =
    sec > 2 * DAY_SEC
      ? [Math.ceil(sec / DAY_SEC), 'days']
      : sec > 2 * HOUR_SEC
        ? [Math.ceil(sec / HOUR_SEC), 'hours']
        : [Math.ceil(sec / 60), 'minutes'];
  return `${count} ${unit}`;
}

const HOUR_SEC = 3_600;
const DAY_SEC = 86_400;

/** The whole address, however long: it is what is called. It has no spaces, whatever a URL's own text holds. */
export function wholeUrl({ url }: Pick<Question, 'url'>): string {
  return cleanText(url).replace(/\s/g, '%20');
}

/** A stranger's words as one quotation, which nothing in them ends (T16). */
function quoteLine(text: string): string {
  return `"${cleanLine(text, SHOWN_MAX).replaceAll('"', "'")}"`;
}
