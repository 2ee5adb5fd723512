import { WalletError } from '../../errors/walletError.js';
import { SCHEMA_VERSION } from '../sqlite/file/schema.js';
import type { Waiting } from '../sqlite/payments/waiting.js';
import type { Copy } from './copy.js';
import { toStoreError } from './fault.js';
import { checkHead, type Head } from './head.js';
import type { Primary } from './primary.js';
import type { Session } from './session.js';

/** What brings a copy on for those who read it. */
export interface FreshnessParts {
  readonly copy: Copy;
  readonly primary: Primary;
  session(): Promise<Session>;
  readonly waiting: Waiting;
}

/**
 * Has reads see all that was committed anywhere before they began: the primary is asked where the ledger stands, and the
 * copy is brought there. Reads that come while it is asked share the next question.
 */
export class Freshness {
  readonly #parts: FreshnessParts;
  #asking: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(parts: FreshnessParts) {
    this.#parts = parts;
  }

  /** Resolves once the copy has all that was committed before this call. Throws `ledger_unreachable`, `ledger_older`. */
  reached(): Promise<void> {
    if (this.#asking === null) return this.#begin();
    // The question under way may have been answered already.
    return (this.#next ??= this.#asking
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#begin();
      }));
  }

  /** Brings the copy on because another server wrote. Never throws: whoever reads next meets the fault. */
  async refresh(): Promise<void> {
    await this.reached().catch(() => undefined);
    this.#parts.waiting.wake();
  }

  #begin(): Promise<void> {
    const asking = this.#ask().finally(() => {
      if (this.#asking === asking) this.#asking = null;
    });
    return (this.#asking = asking);
  }

  async #ask(): Promise<void> {
    const { copy, primary } = this.#parts;
    if (!copy.reader.open)
      throw new WalletError('cancelled', 'The ledger was closed before this could be read.');
    try {
      const session = await this.#parts.session();
      const head = await primary.readHead(session);
      checkHead(head, SCHEMA_VERSION, null);
      await this.#bringTo(session, head);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async #bringTo(session: Session, head: Head): Promise<void> {
    const { copy, primary } = this.#parts;
    const here = copy.place();
    const isThere = here.position === head.position && here.hash === head.hash && here.epoch === head.epoch;
    if (isThere && here.arrival === head.arrival) return;
    await copy.exclusively(async () => {
      const now = copy.place();
      // This server may have written since it asked: then the head stands later, too.
      const isAhead = now.position > head.position || now.epoch > head.epoch;
      const newest = isAhead ? await primary.readHead(session) : head;
      checkHead(newest, SCHEMA_VERSION, now);
      await copy.catchUp(primary, session, newest);
    });
  }
}
