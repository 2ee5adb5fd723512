import { isCleared, type Answer } from '../../ledger/attempts/answer.js';
import { open, type FileHandle } from 'node:fs/promises';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { headerValue, type HeaderList } from '../../net/headers.js';
import { cleanLine, cleanText } from '../../text/untrusted.js';
import { decoderOf, isText } from './answerText.js';
import { storedPath } from './answerFiles.js';
import type { Engine } from '../engine.js';
import type { ResponseInput } from '../input.js';
import { outcome, type Outcome } from './outcome.js';

const LENGTH_DEFAULT = 8_000;
/** About 5,000 tokens: a page an agent can read beside its work. */
const LENGTH_MAX = 20_000;
const PLACES_MAX = 20;
const AROUND = 120;
/** Read at a time: whole, an answer of 64 MiB would take a gibibyte of memory as text (T15). */
const PIECE_BYTES = 64 * 1024;

/** The call that reads on where a result shows only the beginning of a text; what the result names itself goes before. */
export function readingOn({ next, response, payment }: Outcome): Outcome['next'] {
  if (next !== null || response?.head === undefined || response.stored_id === undefined) return next;
  const id = payment?.id ?? response.stored_id;
  return { tool: 'wallet_response', arguments: { id, offset: response.head.length } };
}

/** Where an agent's answers are kept. */
type AnswerPlace = Pick<Engine, 'home' | 'ledger' | 'agent'>;

/** Pages through a stored answer, or searches it. Another agent's answers are not found. */
export async function readResponse(engine: Engine, input: ResponseInput): Promise<Outcome> {
  const answer = await findStored(engine, input.id);
  if (await isBinary(engine, answer)) return readBytes(engine, answer, input);
  const text = cleanPieces(storedPieces(engine, answer), answer.headers);
  return input.find === undefined ? readPage(answer, text, input) : search(text, input.find);
}

/** So many lengths are remembered; an agent reads on in a few answers at a time. */
const LENGTHS_MAX = 100;

/** How many characters the texts of stored answers have, where a page was read of them before. */
const lengths = new Map<string, number>();

/** Names a stored text: by the hash of its bytes, and by what they are read as. */
function textKey({ storedId, headers }: Answer): string {
  return `${storedId ?? ''} ${headerValue(headers, 'content-type') ?? ''}`;
}

function rememberLength(key: string, length: number): void {
  const [oldest] = lengths.keys();
  if (lengths.size >= LENGTHS_MAX && oldest !== undefined) lengths.delete(oldest);
  lengths.set(key, length);
}

async function readPage(answer: Answer, text: AsyncIterable<string>, input: ResponseInput): Promise<Outcome> {
  const from = input.offset ?? 0;
  const until = from + Math.min(input.length ?? LENGTH_DEFAULT, LENGTH_MAX);
  const key = textKey(answer);
  // Whoever pages through 64 MiB has all of it read for the first page alone.
  const known = answer.storedId === null ? undefined : lengths.get(key);
  let page = '';
  let total = 0;
  for await (const piece of text) {
    page += piece.slice(Math.max(0, from - total), Math.max(0, until - total));
    total += piece.length;
    if (known === undefined || total < until) continue;
    total = known;
    break;
  }
  if (answer.storedId !== null && known === undefined) rememberLength(key, total);
  const offset = Math.min(from, total);
  const end = offset + page.length;
  const more = end < total;
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `Characters ${offset} to ${end} of ${total}.`,
    next: more ? { tool: 'wallet_response', arguments: { id: input.id, offset: end } } : null,
    untrusted: true,
    text: page,
    total,
  });
}

/** So many bytes are handed over at once as base64, and a third more characters. */
const BASE64_BYTES = 15_000;
/** Enough of an answer to see whether it is text. */
const SNIFF_BYTES = 4_096;

/** A part of an answer that is no text, as base64: a client that reads no files puts the parts together. */
async function readBytes(engine: Engine, answer: Answer, input: ResponseInput): Promise<Outcome> {
  const type = headerValue(answer.headers, 'content-type') ?? 'no content type';
  if (input.find !== undefined)
    throw new WalletError(
      'bad_input',
      'The answer is no text (see its content type): find searches text alone.',
    );
  const from = Math.min(input.offset ?? 0, answer.bytes);
  const until = Math.min(answer.bytes, from + Math.min(input.length ?? BASE64_BYTES, BASE64_BYTES));
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const piece of storedPieces(engine, answer)) {
    // A piece is a window on room that is used again.
    parts.push(Uint8Array.prototype.slice.call(piece, Math.max(0, from - total), Math.max(0, until - total)));
    total += piece.length;
    if (total >= until) break;
  }
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `Bytes ${from} to ${until} of ${answer.bytes}, as base64; offset and length count bytes.`,
    next:
      until < answer.bytes ? { tool: 'wallet_response', arguments: { id: input.id, offset: until } } : null,
    untrusted: true,
    content_type: cleanLine(type, TYPE_MAX),
    base64: Buffer.concat(parts).toString('base64'),
    total: answer.bytes,
  });
}

const TYPE_MAX = 100;

/** How a stored answer begins, for who looks at the payment: a stranger's text, cleaned (T16, T27), or no text at all. */
export interface AnswerBeginning {
  /** Null for an answer that is no text. */
  readonly text: string | null;
  readonly isWhole: boolean;
  /** As its seller names it; cleaned. */
  readonly type: string;
  /** Of the whole answer. */
  readonly bytes: number;
  /** When it was kept, ms by the wall clock. */
  readonly storedMs: number;
}

/**
 * The beginning of what a payment of the engine's agent brought, of at most `charsMax` characters; null where nothing is kept
 * of it, or no more.
 */
export async function readBeginning(
  engine: AnswerPlace,
  paymentId: string,
  charsMax: number,
): Promise<AnswerBeginning | null> {
  const answer = await engine.ledger.findAnswer(engine.agent, { paymentId });
  if (answer === null || isCleared(answer)) return null;
  const { headers, bytes, storedMs } = answer;
  const type = cleanLine(headerValue(headers, 'content-type') ?? '', TYPE_MAX);
  const about = { type, bytes, storedMs };
  try {
    if (await isBinary(engine, answer)) return { ...about, text: null, isWhole: false };
    let text = '';
    for await (const piece of cleanPieces(storedPieces(engine, answer), headers)) {
      text += piece;
      if (text.length > charsMax) return { ...about, text: text.slice(0, charsMax), isWhole: false };
    }
    return { ...about, text, isWhole: !answer.truncated };
  } catch (error) {
    // Its file was taken away.
    if (isWalletError(error) && error.code === 'not_found') return null;
    throw error;
  }
}

/** Whether an answer is no text, by its type or by its beginning. */
async function isBinary(engine: AnswerPlace, answer: Answer): Promise<boolean> {
  for await (const piece of storedPieces(engine, answer))
    return !isText(answer.headers, piece.subarray(0, SNIFF_BYTES), answer.bytes > SNIFF_BYTES);
  return false;
}

async function findStored(engine: Engine, id: string): Promise<Answer> {
  const by = id.startsWith('pay_') ? { paymentId: id } : { storedId: id };
  const answer = await engine.ledger.findAnswer(engine.agent, by);
  if (answer === null) throw new WalletError('not_found', 'There is no stored answer by that id.');
  return answer;
}

/** The bytes of an answer, in pieces. */
async function* storedPieces(engine: AnswerPlace, answer: Answer): AsyncGenerator<Uint8Array> {
  if (isCleared(answer)) throw cleared();
  if (answer.storedId === null) yield answer.body ?? new Uint8Array();
  else yield* filePieces(await openStored(engine, answer.storedId));
}

function openStored(engine: AnswerPlace, storedId: NonNullable<Answer['storedId']>): Promise<FileHandle> {
  return open(storedPath(engine.home, storedId), 'r').catch((cause: unknown) => {
    throw cleared(cause);
  });
}

function cleared(cause?: unknown): WalletError {
  return new WalletError('not_found', 'The stored answer was cleared to make room for newer ones.', {
    cause,
  });
}

async function* filePieces(file: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    const room = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(room, 0, PIECE_BYTES);
      if (bytesRead === 0) return;
      yield room.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** The text of bytes, cleaned; the same however they are cut in pieces. */
export async function* cleanPieces(
  bytes: AsyncIterable<Uint8Array>,
  headers: HeaderList = [],
): AsyncGenerator<string> {
  let decoder: ReturnType<typeof decoderOf> | undefined;
  let kept = '';
  for await (const piece of bytes) {
    decoder ??= decoderOf(headers, piece);
    const text = kept + decoder.decode(piece, { stream: true });
    // With the line feed that may follow it, it is one line break.
    kept = text.endsWith('\r') ? '\r' : '';
    yield cleanText(kept === '' ? text : text.slice(0, -1));
  }
  yield cleanText(kept + (decoder?.decode() ?? ''));
}

/** Searches a text that comes in pieces, whatever the case of its letters. */
export async function search(text: AsyncIterable<string>, find: string): Promise<Outcome> {
  const finder = new Finder(fold(find));
  for await (const piece of text) finder.add(piece);
  const { places, total } = finder.end();
  return outcome({
    status: 'ok',
    code: 'ok',
    message:
      places.length === 0
        ? 'The text does not occur in the answer.'
        : `${places.length} ${places.length === 1 ? 'place' : 'places'}${places.length === PLACES_MAX ? ' or more' : ''}.`,
    untrusted: true,
    places,
    total,
  });
}

/** Finds a folded text in one that comes in pieces; holds no more of it than it has to look at again. */
class Finder {
  readonly places: { offset: number; text: string }[] = [];
  total = 0;
  readonly #needle: string;
  #window = '';
  #windowAt = 0;
  #from = 0;

  constructor(needle: string) {
    this.#needle = needle;
  }

  add(piece: string): void {
    this.total += piece.length;
    if (this.places.length === PLACES_MAX) return;
    this.#window += piece;
    this.#look(false);
  }

  end(): this {
    if (this.places.length < PLACES_MAX) this.#look(true);
    return this;
  }

  #look(isWhole: boolean): void {
    const haystack = fold(this.#window);
    const { length } = this.#needle;
    let at = haystack.indexOf(this.#needle, this.#from);
    for (; at !== -1 && this.places.length < PLACES_MAX; at = haystack.indexOf(this.#needle, this.#from)) {
      const end = at + length + AROUND;
      // What stands around it is still to come.
      if (!isWhole && end > this.#window.length) break;
      this.places.push({
        offset: this.#windowAt + at,
        text: this.#window.slice(Math.max(0, at - AROUND), end),
      });
      this.#from = at + length;
    }
    this.#from = at === -1 ? Math.max(this.#from, this.#window.length - length + 1) : at;
    const over = Math.max(0, this.#from - AROUND);
    this.#window = this.#window.slice(over);
    this.#windowAt += over;
    this.#from -= over;
  }
}

/** Lower case, of the same length as the text: offsets must hold. */
function fold(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return text.replace(/[^]/gu, (one) => (one.toLowerCase().length === one.length ? one.toLowerCase() : one));
}
