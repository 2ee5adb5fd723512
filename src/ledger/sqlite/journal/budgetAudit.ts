import type { BudgetNode } from '../../books/budget.js';
import type { LedgerContext } from '../file/context.js';
import { budgetKey, budgetText, budgetToSql } from '../owner/budgetRow.js';
import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { JournalEntry } from './entry.js';

type Report = (where: 'budgets' | 'journal', id: string, says: string) => void;

/** Re-derives the tree of budgets from the journal, entry by entry, and compares. */
export class BudgetAudit {
  readonly #context: LedgerContext;
  readonly #report: Report;
  readonly #nodes = new Map<string, BudgetNode>();

  constructor(context: LedgerContext, report: Report) {
    this.#context = context;
    this.#report = report;
  }

  /** Learns from an entry; entries of other kinds teach nothing. */
  learn({ seq, kind, subject, data }: JournalEntry): void {
    if (kind !== 'budget') return;
    const { act, usdMicros, ...told } = JSON.parse(data) as Omit<BudgetNode, 'id' | 'amountUsdMicros'> & {
      readonly act: string;
      readonly usdMicros: string;
    };
    const node: BudgetNode = { ...told, id: subject, amountUsdMicros: BigInt(usdMicros) };
    const before = this.#nodes.get(subject);
    const isLegal =
      act === 'open'
        ? before === undefined && node.endedMs === null
        : before !== undefined && isEndOf(before, node);
    if (!isLegal) this.#report('journal', String(seq), `A budget was changed by ${act} as none can be.`);
    this.#nodes.set(subject, node);
  }

  /** Compares the rows with what was learned, and adds to `register` what its keys must say. */
  check(register: Map<string, string>): void {
    for (const row of this.#context.db.prepare('SELECT * FROM budgets').iterate() as Iterable<SqlRow>) {
      const id = String(row['id']);
      const told = this.#nodes.get(id);
      this.#nodes.delete(id);
      const { mac, ...columns } = row;
      if (told === undefined) this.#report('budgets', id, 'No journal entry tells of this budget.');
      else if (!sameValues(budgetToSql(told), Object.values(columns)))
        this.#report('budgets', id, 'The budget differs from the journal.');
      if (!this.#context.auth.rowMatches('budgets', row))
        this.#report('budgets', id, 'The row does not carry its authentication code.');
      if (row['ended_ms'] === null && mac instanceof Uint8Array) register.set(budgetKey(id), budgetText(mac));
    }
    for (const id of this.#nodes.keys())
      this.#report('budgets', id, 'The journal tells of a budget that has no row.');
  }
}

/** Whether a node is another one as it was, but for its end. */
function isEndOf(before: BudgetNode, { endedMs, ...now }: BudgetNode): boolean {
  const { endedMs: was, ...same } = before;
  const isSame = sameValues(budgetToSql({ ...same, endedMs: null }), budgetToSql({ ...now, endedMs: null }));
  return was === null && endedMs !== null && isSame;
}

function sameValues(some: readonly SqlValue[], others: readonly SqlValue[]): boolean {
  return some.length === others.length && some.every((value, i) => value === others[i]);
}
