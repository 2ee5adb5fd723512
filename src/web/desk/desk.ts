import type { Config } from '../../config/settings.js';
import type { AgentRecord } from '../../ledger/books/agent.js';
import type { LedgerHead, PaymentReader, ReportReader, WithdrawalControl } from '../../ledger/ledger.js';
import type { NoticeBook } from '../../ledger/books/notice.js';
import type { SettingsBook } from '../../owner/ownerSettings.js';
import type { MoneyLook } from '../../treasury/statement/lookForMoney.js';
import type { Statement } from '../../treasury/statement/readStatement.js';
import type { Period } from '../../treasury/statement/statement.js';
import type { BalanceLine } from '../../wallet/balance.js';
import { SpendBook, midnightOf } from './spending/spendBook.js';

/** How long what networks said is shown before they are asked again. */
const MONEY_MS = 10_000;

/** How long what came in is shown before the chains are read again: a look takes some calls for each address. */
const LOOK_MS = 60_000;

/** How long sums are shown while nothing is written: a window of a day moves on by no more. */
const MADE_MS = 60_000;

/** The days of a month are read before anybody looks. */
const DAYS_AHEAD = 31;

/** What the owner's desk is made of. */
export interface DeskParts {
  readonly ledger: ReportReader &
    Pick<PaymentReader, 'findPayment' | 'usage'> & {
      readonly withdrawals: Pick<WithdrawalControl, 'find'>;
    } & {
      head(): Promise<LedgerHead>;
    };
  /** The settings as they are now. */
  readonly config: () => Promise<Config>;
  /** Asks the networks what is there; may take seconds. */
  readonly readMoney: () => Promise<readonly BalanceLine[]>;
  /** Reads what came and went on the chains since the last look; may take a minute. */
  readonly lookForMoney: () => Promise<MoneyLook>;
  /** The statement of a period out of what is remembered. */
  readonly readStatement: (period: Period, say: (ms: number) => string) => Promise<Statement>;
  /** The settings, to look at and to change. */
  readonly settings: SettingsBook;
  /** What the owner was told, in this process as in all others. */
  readonly notices: Pick<NoticeBook, 'list' | 'unseen' | 'markSeen' | 'channels'>;
  readonly listAgents: () => Promise<readonly AgentRecord[]>;
  /** Stops all agents at once. */
  readonly freeze: () => Promise<void>;
  /** Stops one agent. */
  readonly suspend: (agent: string) => Promise<void>;
}

/** What keys of statements begin with: they rest on what the chains showed, too. */
export const STATEMENT = 'statement ';

/** What the chains were last read for. */
export interface LookSeen {
  readonly notes: readonly string[];
  /** Another one after each look that brought something. */
  readonly version: number;
}

/** What networks said last. */
export interface MoneySeen {
  /** Null until they were asked once. */
  readonly balances: readonly BalanceLine[] | null;
  /** Another one after each answer that differs. */
  readonly version: number;
}

/** The owner's desk over an open wallet: what there is, and the two ways to stop it that need no proof. */
export class Desk {
  readonly parts: DeskParts;
  /** What was spent, in sums that are kept. */
  readonly book: SpendBook;
  readonly #now: () => number;
  #money: MoneySeen = { balances: null, version: 0 };
  #asking = false;
  /** Sums over a month of payments, by their page and window: there are few. */
  readonly #made = new Map<
    string,
    { readonly seq: number; readonly atMs: number; readonly value: Promise<unknown> }
  >();
  #askedMs = -Infinity;
  #look: LookSeen = { notes: [], version: 0 };
  #looking = false;
  #lookedMs = -Infinity;

  constructor(parts: DeskParts, now: () => number) {
    this.parts = parts;
    this.#now = now;
    this.book = new SpendBook(parts.ledger, now());
    // A browser takes longer to start than a month to be read: what fails here is told by the page that asks for it.
    this.book.groups({ sinceMs: midnightOf(now(), -DAYS_AHEAD) }, () => '').catch(() => undefined);
  }

  /** What networks said last. A page waits for none of them: they are asked behind it, and it shows the answer when it comes. */
  money(): MoneySeen {
    if (!this.#asking && Math.abs(this.#now() - this.#askedMs) >= MONEY_MS) void this.#ask();
    return this.#money;
  }

  /** What the last look at the chains came to; another one begins behind the page where that is old. */
  look(): LookSeen {
    if (!this.#looking && Math.abs(this.#now() - this.#lookedMs) >= LOOK_MS) void this.#readChains();
    return this.#look;
  }

  async #readChains(): Promise<void> {
    this.#looking = true;
    const { notes, version } = this.#look;
    try {
      const look = await this.parts.lookForMoney();
      const isNews = look.isNews || look.notes.join() !== notes.join();
      this.#look = { notes: look.notes, version: version + (isNews ? 1 : 0) };
      for (const key of this.#made.keys()) if (isNews && key.startsWith(STATEMENT)) this.#made.delete(key);
    } catch {
      // What is remembered stays; the next look reads on.
    }
    this.#looking = false;
    this.#lookedMs = this.#now();
  }

  /** What was made of the ledger for this key: anew once its journal went on, or the windows of time did. */
  async made<T>(key: string, make: () => Promise<T>): Promise<T> {
    const { seq } = await this.parts.ledger.head();
    const known = this.#made.get(key);
    const isFresh = known?.seq === seq && Math.abs(this.#now() - known.atMs) < MADE_MS;
    if (isFresh) return known.value as Promise<T>;
    const value = make();
    this.#made.set(key, { seq, atMs: this.#now(), value });
    value.catch(() => this.#made.delete(key));
    return value;
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      const balances = await this.parts.readMoney();
      // The same answer is no news: a page that is looked at is not drawn anew for it.
      if (JSON.stringify(balances) !== JSON.stringify(this.#money.balances))
        this.#money = { balances, version: this.#money.version + 1 };
    } catch {
      // What was seen last stays; the next look asks again.
    }
    this.#asking = false;
    this.#askedMs = this.#now();
  }
}
