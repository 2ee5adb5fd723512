import { createReadStream } from 'node:fs';
import type { Answer } from '../../ledger/attempts/answer.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { NetFailure } from '../../net/failure.js';
import type { HeaderList } from '../../net/headers.js';
import { storedPath } from './answerFiles.js';

/** The head of an answer, as the seller sent it. */
export interface AnswerHead {
  readonly status: number;
  /** Untrusted (T27); of a stored answer those that were kept. */
  readonly headers: HeaderList;
  /** Codings that still cover the body, for the wallet knows them not. */
  readonly contentEncoding: string | undefined;
  /** The payment that the request carried; null where it carried none. */
  readonly payment: Payment | null;
  /** Whether the answer was stored, and nothing was sent or paid for it now. */
  readonly isReplayed: boolean;
}

/**
 * Hears an answer while it is read, byte for byte, for a caller that hands it on. There is one reading, which goes on to
 * settle and to store as ever: it waits for a listener that has no room, and a call that is cancelled ends it.
 */
export interface AnswerListener {
  /** Told the head before any of the body; false where the body is not wanted. Never rejects. */
  head(head: AnswerHead): Promise<boolean>;
  /** Told the next bytes, which do not change afterwards; resolves when there is room for more. Never rejects. */
  piece(bytes: Uint8Array): Promise<void>;
  /** Told that the body is over: whole, or why not. Never rejects. */
  end(failure: NetFailure | 'cut' | null): void | Promise<void>;
}

/** Tells a listener an answer that was stored. */
export async function tellStored(
  listener: AnswerListener,
  home: string,
  stored: Answer,
  payment: Payment,
): Promise<void> {
  const { status, headers } = stored;
  const head = { status, headers, contentEncoding: undefined, payment, isReplayed: true };
  await tellKept(listener, home, head, stored);
}

/** Tells a listener an answer that was read before it was to hear it. */
export async function tellKept(
  listener: AnswerListener,
  home: string,
  head: AnswerHead,
  { body, storedId, truncated }: Pick<Answer, 'body' | 'storedId' | 'truncated'>,
): Promise<void> {
  if (!(await listener.head(head))) return;
  if (storedId === null) {
    if (body !== null && body.length > 0) await listener.piece(body);
  } else {
    for await (const piece of createReadStream(storedPath(home, storedId)))
      await listener.piece(piece as Buffer);
  }
  await listener.end(truncated ? 'cut' : null);
}
