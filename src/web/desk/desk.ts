import type { Config } from '../../config/settings.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { AgentRecord } from '../../ledger/books/agent.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { NoticeBook } from '../../ledger/books/notice.js';
import type {
  LedgerHead,
  OwnersBook,
  PaymentReader,
  ReportReader,
  SellerBook,
  WithdrawalControl,
} from '../../ledger/ledger.js';
import { formatUnits } from '../../money/decimal.js';
import type { ActBook } from '../../owner/ownerActs.js';
import type { Commitment } from '../../owner/ownerCommitments.js';
import type { BudgetState } from '../../owner/ownerBudgets.js';
import type { SettingsBook } from '../../owner/ownerSettings.js';
import type { OwnFund, OwnPlace } from '../../treasury/ownFunds.js';
import type { MoneyLook } from '../../treasury/statement/lookForMoney.js';
import type { Statement } from '../../treasury/statement/readStatement.js';
import type { Period } from '../../treasury/statement/account.js';
import type { AnswerBeginning } from '../../wallet/answer/response.js';
import type { BalanceLine, LimitLine } from '../../wallet/balance.js';
import { Behind } from './behind.js';
import { midnightOf, SpendBook } from './spending/spendBook.js';

/** How long what networks said is shown before they are asked again. */
const MONEY_MS = 10_000;

/** How long what came in is shown before the chains are read again: a look takes some calls for each address. */
const LOOK_MS = 60_000;

/** How long a statement is shown while nothing is written: a month that runs moves on by no more. */
const MADE_MS = 60_000;

/** The days of a month are read before anybody looks. */
const DAYS_AHEAD = 31;

/** Arrivals that are told. */
const ARRIVALS_MAX = 5;

/** What the owner's desk is made of. */
export interface DeskParts {
  readonly ledger: ReportReader &
    Pick<PaymentReader, 'findPayment' | 'usage'> &
    Pick<SellerBook, 'originHistory'> & { readonly withdrawals: Pick<WithdrawalControl, 'find'> } & {
      readonly owners: Pick<OwnersBook, 'proposals' | 'withdraw'>;
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
  /** What else the owner does here, with the factor. */
  readonly acts: ActBook;
  readonly listAgents: () => Promise<readonly AgentRecord[]>;
  /** All that bounds an agent now, with what is used of it. */
  readonly limitsOf: (agent: string) => Promise<readonly LimitLine[]>;
  /** The owner's budgets, each behind the one above it. */
  readonly budgets: () => Promise<readonly BudgetState[]>;
  /** Where money can be sent to. */
  readonly fundPlaces: () => Promise<readonly OwnPlace[]>;
  /** Asks the chains what is there; may take seconds. */
  readonly readFunds: () => Promise<readonly OwnFund[]>;
  /** What was bought ahead and is not used up. */
  readonly listBought: () => Promise<readonly Entitlement[]>;
  /** The subscriptions that have not ended. */
  readonly listCommitments: () => Promise<readonly Commitment[]>;
  /** How the stored answer of a payment begins; null where none is kept. */
  readonly readAnswer: (payment: Pick<Payment, 'id' | 'agent'>) => Promise<AnswerBeginning | null>;
  /** Stops all agents at once. */
  readonly freeze: () => Promise<void>;
  /** Stops one agent. */
  readonly suspend: (agent: string) => Promise<void>;
}

/** What keys of statements begin with: they rest on what the chains showed, too. */
export const STATEMENT = 'statement ';

/** Money that came to an address while the desk was open. */
export interface Arrival {
  readonly agent: string;
  /** The network's label. */
  readonly network: string;
  readonly symbol: string;
  readonly amount: string;
  readonly atMs: number;
}

/** The owner's desk over an open wallet: what there is, and the two ways to stop it that need no proof. */
export class Desk {
  readonly parts: DeskParts;
  /** What was spent, in sums that are kept. */
  readonly book: SpendBook;
  readonly #now: () => number;
  readonly #money: Behind<readonly BalanceLine[]>;
  readonly #look: Behind<readonly string[]>;
  readonly #funds: Behind<readonly OwnFund[]>;
  readonly #arrivals: Arrival[] = [];
  /** What is made of the ledger, by its page and time: there are few. */
  readonly #made = new Map<
    string,
    { readonly seq: number; readonly atMs: number; readonly value: Promise<unknown> }
  >();
  #looks = 0;
  /** Whether the pages end, and with them whoever watches one. */
  isClosed = false;

  constructor(parts: DeskParts, now: () => number) {
    this.parts = parts;
    this.#now = now;
    this.#money = new Behind(parts.readMoney, MONEY_MS, now);
    this.#look = new Behind(() => this.#readChains(), LOOK_MS, now);
    this.#funds = new Behind(() => this.#readFunds(), MONEY_MS, now);
    this.book = new SpendBook(parts.ledger, now());
    // A browser takes longer to start than a month to be read: what fails here is told by the page that asks for it.
    this.book.groups({ sinceMs: midnightOf(now(), -DAYS_AHEAD) }, () => '').catch(() => undefined);
  }

  /** What tells one state of what is read behind the pages from another. */
  get version(): string {
    return [
      this.#money.version,
      this.#look.version,
      this.#looks,
      this.#funds.version,
      this.book.version,
    ].join(' ');
  }

  /** What networks said last, null until they were asked once. A page waits for none of them. */
  money(): readonly BalanceLine[] | null {
    return this.#money.look();
  }

  /** Why a network was not read to its end, at the last look at the chains; another one begins where that is old. */
  look(): readonly string[] {
    return this.#look.look() ?? [];
  }

  /** What is at every address, null until the chains were asked once, and what came there meanwhile. */
  funds(): { readonly funds: readonly OwnFund[] | null; readonly arrivals: readonly Arrival[] } {
    return { funds: this.#funds.look(), arrivals: this.#arrivals };
  }

  /** What was made of the ledger for this key: anew once its journal went on, or time did. */
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

  async #readChains(): Promise<readonly string[]> {
    const { isNews, notes } = await this.parts.lookForMoney();
    if (isNews) {
      this.#looks += 1;
      for (const key of this.#made.keys()) if (key.startsWith(STATEMENT)) this.#made.delete(key);
    }
    return notes;
  }

  async #readFunds(): Promise<readonly OwnFund[]> {
    const before = this.#funds.value;
    const funds = await this.parts.readFunds();
    for (const { agent, network, asset, onChainAtomic } of funds) {
      const known = before?.find(
        (one) =>
          one.agent === agent && one.network.caip2 === network.caip2 && one.asset.address === asset.address,
      )?.onChainAtomic;
      if (known === undefined || known === null || onChainAtomic === null || onChainAtomic <= known) continue;
      const amount = formatUnits(onChainAtomic - known, asset.decimals);
      const came = { agent, network: network.label, symbol: asset.symbol, amount, atMs: this.#now() };
      this.#arrivals.unshift(came);
      this.#arrivals.length = Math.min(this.#arrivals.length, ARRIVALS_MAX);
    }
    return funds;
  }
}
