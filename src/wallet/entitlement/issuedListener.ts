import type { NetFailure } from '../../net/failure.js';
import { INLINE_BYTES_MAX } from '../answer/answerBody.js';
import type { AnswerHead, AnswerListener } from '../answer/answerListener.js';
import type { CallContext } from '../call/callDeadline.js';
import { isStreamed, withoutIssued } from './issued.js';

/** A brace, and what may stand before the one that a JSON object begins with: blanks, and marks of the byte order. */
const BRACE = 0x7b;
const BEFORE_BRACE: readonly number[] = [0x00, 0x09, 0x0a, 0x0d, 0x20, 0xbb, 0xbf, 0xef, 0xfe, 0xff];

/** A call's context whose listener hears the answer to a sale without the token that it issues (T38). */
export function withoutIssuedToken(context: CallContext): CallContext {
  const { answer } = context;
  return answer === undefined ? context : { ...context, answer: new IssuedListener(answer) };
}

/**
 * Hands an answer on as it comes, but for one that may issue a token: a JSON object, no longer than those in which a token is
 * read. That is held back until it is whole, and handed on with the token masked as in a result.
 */
class IssuedListener implements AnswerListener {
  readonly #listener: AnswerListener;
  /** The head that the listener was not told yet; null once it was. */
  #head: AnswerHead | null = null;
  #held: Uint8Array[] = [];
  #isWanted = true;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  async head(head: AnswerHead): Promise<boolean> {
    const isSold = head.status >= 200 && head.status < 300 && !isStreamed(head.headers);
    if (!isSold) return this.#listener.head(head);
    this.#head = head;
    return true;
  }

  async piece(bytes: Uint8Array): Promise<void> {
    if (this.#head === null) {
      if (this.#isWanted) await this.#listener.piece(bytes);
      return;
    }
    this.#held.push(Uint8Array.prototype.slice.call(bytes));
    const all = Buffer.concat(this.#held);
    const first = all.find((byte) => !BEFORE_BRACE.includes(byte));
    const mayIssue = first === undefined || first === BRACE;
    if (!mayIssue || all.length > INLINE_BYTES_MAX) await this.#letGo(this.#head, all);
  }

  async end(failure: NetFailure | 'cut' | null): Promise<void> {
    const head = this.#head;
    if (head !== null) {
      // What broke off is no object in which a token could be found: nobody is told of it, and it may be fetched again.
      if (failure !== null) return;
      const bytes = Buffer.concat(this.#held);
      const kept = withoutIssued(head.headers, bytes);
      if (kept === null) await this.#letGo(head, bytes);
      else await this.#letGo(rewritten(head, kept), kept.body);
    }
    if (this.#isWanted) await this.#listener.end(failure);
  }

  async #letGo(head: AnswerHead, bytes: Uint8Array): Promise<void> {
    this.#head = null;
    this.#held = [];
    this.#isWanted = await this.#listener.head(head);
    if (this.#isWanted && bytes.length > 0) await this.#listener.piece(bytes);
  }
}

/** The head of an answer whose body was written anew. */
function rewritten(
  head: AnswerHead,
  { headers, body }: NonNullable<ReturnType<typeof withoutIssued>>,
): AnswerHead {
  const kept = headers.filter(([name]) => name !== 'content-length' && name !== 'content-encoding');
  return {
    ...head,
    headers: [...kept, ['content-length', String(body.length)]],
    contentEncoding: undefined,
  };
}
