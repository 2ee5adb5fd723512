import type { Answer } from '../../ledger/attempts/answer.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ANSWERS_FOLDER } from '../../config/home.js';
import { WalletError } from '../../errors/walletError.js';
import { NetFailure } from '../../net/failure.js';
import { headerValue, type HeaderList } from '../../net/headers.js';
import type { HttpAnswer } from '../../net/send.js';
import { renameUnheld } from '../../platform/durableFile.js';
import { nestsDeeperThan, type JsonValue } from '../../text/json.js';
import { cleanLine, cleanText } from '../../text/untrusted.js';
import type { CallContext } from '../call/callDeadline.js';
import { decodeAnswer, isText, isWholeText } from './answerText.js';
import { PART_PREFIX, shownPath, storedPath } from './answerFiles.js';
import type { AnswerListener } from './answerListener.js';
import type { ResponseView } from './outcome.js';
import { OWN_HEADERS } from '../../rails/table.js';

/** The most of an answer that is read: enough for media and data sets, not for a disk. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** The largest text answer handed to an agent whole: about 6,000 tokens, a quarter of what Claude Code shows of a result. */
export const INLINE_BYTES_MAX = 24 * 1024;
/** JSON handed on as a value is read by recursion from here on: by cleaning, by the protocol, by the client. */
const VALUE_DEPTH_MAX = 200;
/** What is shown of a larger text. */
const HEAD_BYTES = 1024;
/** Headers shown: an agent reads a content type and a few of an API's own; the ledger keeps no more. */
const HEADERS_SHOWN_MAX = 40;
const HEADER_VALUE_MAX = 500;
/** A long answer is reported on as it comes, this often at most. */
const PROGRESS_EVERY_BYTES = 64 * 1024;

/** Headers that say how the bytes travelled; of no use to a reader, and two of them are wrong once decoded. */
const TRANSPORT_HEADERS: readonly string[] = [
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
];

/** An answer as it was read, before the ledger knows which payment it is for. */
export type ReadAnswer = Omit<Answer, 'paymentId' | 'agent' | 'storedMs'> & {
  /** Why it is not whole, or null. */
  readonly failure: NetFailure | null;
};

/**
 * Reads an answer to an agent: small text stays in memory, everything else goes to a file under `responses/`, 0600 and
 * named by a hash of the agent and its bytes. Never throws for what the other side does: a broken answer gives its part.
 * `payment` is what the request carried. A listener hears each byte before the disk has it.
 */
export async function readAnswer(
  { home, agent }: { readonly home: string; readonly agent: string },
  answer: HttpAnswer,
  context: CallContext,
  payment: Payment | null = null,
): Promise<ReadAnswer> {
  const listener = await listenerOf(answer, context, payment);
  const sink = new AnswerSink(join(home, ANSWERS_FOLDER), agent, answer.headers);
  let failure: NetFailure | null = null;
  let reported = 0;
  try {
    for await (const piece of answer.body) {
      const heard = listener?.piece(piece);
      await sink.take(piece);
      await heard;
      if (sink.bytes - reported >= PROGRESS_EVERY_BYTES) {
        reported = sink.bytes;
        context.progress?.(`Received ${Math.floor(sink.bytes / 1024)} KiB of the answer.`);
      }
    }
  } catch (error) {
    if (!(error instanceof NetFailure)) {
      await listener?.end('cut');
      await sink.drop();
      throw error;
    }
    failure = error;
  }
  await listener?.end(failure);
  const kept = await sink.end();
  return {
    status: answer.status,
    headers: shownHeaders(answer.headers),
    ...kept,
    truncated: failure !== null,
    failure,
  };
}

/** Who hears the body, once they were told the head; null where nobody wants it. */
async function listenerOf(
  { status, headers, contentEncoding }: HttpAnswer,
  { answer: listener }: CallContext,
  payment: Payment | null,
): Promise<AnswerListener | null> {
  if (listener === undefined) return null;
  const isWanted = await listener.head({ status, headers, contentEncoding, payment, isReplayed: false });
  return isWanted ? listener : null;
}

/** The headers an agent may see: decoded, cleaned, none of the transport's or the payment protocol's (T27). */
function shownHeaders(headers: HeaderList): [string, string][] {
  return (
    headers
      .filter(([name]) => !TRANSPORT_HEADERS.includes(name) && !OWN_HEADERS.includes(name))
      // How the body is read later hangs on its type.
      .sort(([one], [other]) => Number(other === 'content-type') - Number(one === 'content-type'))
      .slice(0, HEADERS_SHOWN_MAX)
      .map(([name, value]) => [cleanLine(name, HEADER_VALUE_MAX), cleanLine(value, HEADER_VALUE_MAX)])
  );
}

/** Where the bytes of one answer go. */
class AnswerSink {
  bytes = 0;
  readonly #folder: string;
  readonly #headers: HeaderList;
  readonly #hash = createHash('sha256');
  #memory: Uint8Array[] = [];
  #file: { readonly handle: FileHandle; readonly path: string } | undefined;

  constructor(folder: string, agent: string, headers: HeaderList) {
    this.#folder = folder;
    // No file is two agents': one that clears its own clears no other's.
    this.#hash.update(`${agent}\n`);
    this.#headers = headers;
  }

  async take(piece: Uint8Array): Promise<void> {
    this.bytes += piece.length;
    this.#hash.update(piece);
    if (this.#file === undefined) {
      this.#memory.push(Uint8Array.prototype.slice.call(piece));
      if (this.bytes > INLINE_BYTES_MAX) await this.#spill();
      // Not `write`, which a full disk lets take a part and says so by its answer alone.
    } else await this.#file.handle.writeFile(piece);
  }

  async end(): Promise<Pick<Answer, 'body' | 'storedId' | 'bytes'>> {
    const { bytes } = this;
    const inline = Buffer.concat(this.#memory);
    if (this.#file === undefined && (bytes === 0 || isWholeText(this.#headers, inline))) {
      return { body: inline, storedId: null, bytes };
    }
    if (this.#file === undefined) await this.#spill();
    const storedId = this.#hash.digest('hex');
    await this.#file?.handle.close();
    if (this.#file !== undefined) await renameUnheld(this.#file.path, join(this.#folder, storedId));
    return { body: null, storedId, bytes };
  }

  async drop(): Promise<void> {
    await this.#file?.handle.close();
    if (this.#file !== undefined) rmSync(this.#file.path, { force: true });
  }

  async #spill(): Promise<void> {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      const path = join(this.#folder, `${PART_PREFIX}${randomBytes(8).toString('hex')}`);
      const handle = await open(path, 'wx', 0o600);
      this.#file = { handle, path };
      for (const piece of this.#memory) await handle.writeFile(piece);
      this.#memory = [];
    } catch (cause) {
      throw new WalletError('home_unusable', 'The answer is too large to show and cannot be stored.', {
        cause,
      });
    }
  }
}

/** An answer as a result shows it: labelled as a stranger's, cleaned, cut. */
export async function viewAnswer(
  home: string,
  answer: Omit<Answer, 'paymentId' | 'agent' | 'storedMs'>,
): Promise<ResponseView> {
  const view = {
    untrusted: true as const,
    status: answer.status,
    headers: usefulHeaders(answer.headers),
    bytes: answer.bytes,
    truncated: answer.truncated,
  };
  if (answer.storedId === null)
    return { ...view, body: bodyValue(answer.headers, answer.body ?? new Uint8Array()) };
  const path = storedPath(home, answer.storedId);
  const stored = { ...view, stored_id: answer.storedId, path };
  const head = await readHead(path, answer.headers);
  if (head !== null) return { ...stored, head, truncated: true };
  const type = headerValue(answer.headers, 'content-type') ?? '';
  return { ...stored, path: await shownPath(home, answer.storedId, type) };
}

/** Headers that tell a browser, a cache or a log something, and an agent nothing. */
const IDLE_HEADERS: readonly string[] = [
  ...[
    'accept-ranges',
    'age',
    'alt-svc',
    'cache-control',
    'cf-cache-status',
    'cf-ray',
    'date',
    'etag',
    'expires',
  ],
  ...[
    'cross-origin-opener-policy',
    'cross-origin-resource-policy',
    'last-modified',
    'nel',
    'origin-agent-cluster',
  ],
  ...[
    'pragma',
    'referrer-policy',
    'report-to',
    'reporting-endpoints',
    'server',
    'server-timing',
    'vary',
    'via',
  ],
  ...['strict-transport-security', 'content-security-policy', 'permissions-policy', 'x-content-type-options'],
  ...['x-dns-prefetch-control', 'x-download-options', 'x-frame-options', 'x-permitted-cross-domain-policies'],
  ...[
    'x-powered-by',
    'x-xss-protection',
    'x-vercel-cache',
    'x-vercel-id',
    'x-served-by',
    'x-cache',
    'x-timer',
  ],
];

/** Headers by name; one that comes more than once (`Link`, `Set-Cookie`) is a list. */
function usefulHeaders(headers: HeaderList): Record<string, string | string[]> {
  const useful: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    if (IDLE_HEADERS.includes(name) || name.startsWith('access-control-')) continue;
    const known = useful[name];
    useful[name] = known === undefined ? value : [known, value].flat();
  }
  return useful;
}

/** The beginning of a stored answer; null where it is no text, or not there. */
async function readHead(path: string, headers: HeaderList): Promise<string | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    if (!isText(headers, head, true)) return null;
    // A head cut within a character loses that character only.
    return cleanText(decodeAnswer(headers, head).replace(/\uFFFD$/, ''));
  } finally {
    await file.close();
  }
}

/**
 * JSON comes back as JSON, everything else as cleaned text (T16, T27). JSON with integers that a number cannot hold
 * stays text: an id must not change on its way to the agent. So does JSON that nests deeper than whoever reads it can.
 */
function bodyValue(headers: HeaderList, bytes: Uint8Array): unknown {
  const text = decodeAnswer(headers, bytes);
  let lossy = false;
  try {
    const value: unknown = JSON.parse(text, (_key, item: unknown) => {
      lossy ||= typeof item === 'number' && Number.isInteger(item) && !Number.isSafeInteger(item);
      return item;
    });
    if (lossy || nestsDeeperThan(value as JsonValue, VALUE_DEPTH_MAX)) return cleanText(text);
    return cleanJson(value);
  } catch {
    return cleanText(text);
  }
}

function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanText(key), cleanJson(item)]));
}
