import type { ReportReader } from '../../ledger/ledger.js';
import type { MovementBook } from '../../ledger/books/movement.js';
import { capturedWallMs } from '../../ledger/attempts/attempt.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { assetsOf } from '../../money/asset.js';
import type { Network } from '../../money/network.js';
import type { AgentAddress } from '../../owner/ownAddresses.js';
import type { PaidRow, Period } from './account.js';
import { APART_MS } from './explanation.js';
import { stateAccount, type AccountStatement } from './statement.js';

/** A row is opened before it is captured, and its time in the ledger may be beside the wall clock's. */
const EDGE_MS = 2 * 86_400_000;
/** Rows read at a time. */
const ROWS_AT_ONCE = 500;

/** The wallet's money over a period, by network and asset. */
export interface Statement {
  readonly period: Period;
  readonly accounts: readonly AccountStatement[];
}

/** An enabled network, and the wallet's addresses there. */
export interface OwnPlace {
  readonly network: Network;
  readonly addresses: readonly AgentAddress[];
}

/** Makes the statement of a period out of what is remembered; asks no chain. Accounts that never had anything are left out. */
export async function readStatement(
  { ledger, book }: { readonly ledger: Pick<ReportReader, 'listAttempts'>; readonly book: MovementBook },
  places: readonly OwnPlace[],
  period: Period,
  say: (ms: number) => string,
): Promise<Statement> {
  const rows = await paidRows(ledger, period);
  const movementsSinceMs = period.fromMs - APART_MS;
  const accounts = places.flatMap(({ network, addresses }) =>
    assetsOf(network.caip2).map((asset) =>
      stateAccount(
        {
          ...{ network, asset, addresses },
          spans: book.spans(network.caip2, asset.address),
          movements: book.movements(network.caip2, asset.address, movementsSinceMs),
          movementsSinceMs,
        },
        rows,
        period,
        say,
      ),
    ),
  );
  return { period, accounts: accounts.filter(hasAnything) };
}

function hasAnything({ openingAtomic, closingAtomic, lines }: AccountStatement): boolean {
  return lines.length > 0 || (openingAtomic ?? 0n) !== 0n || (closingAtomic ?? 0n) !== 0n;
}

async function paidRows(
  ledger: Pick<ReportReader, 'listAttempts'>,
  { fromMs, toMs }: Period,
): Promise<PaidRow[]> {
  const filter = { state: 'captured', sinceMs: fromMs - EDGE_MS, untilMs: toMs + EDGE_MS } as const;
  const rows: PaidRow[] = [];
  let cursor: string | null = null;
  do {
    const page = await ledger.listAttempts(filter, ROWS_AT_ONCE, cursor);
    for (const attempt of page.attempts) rows.push(rowOf(attempt));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return rows;
}

function rowOf(attempt: AnyAttempt): PaidRow {
  const { id, kind, agent, network, asset, payFrom, payTo, capturedAtomic, tx, changedMs } = attempt;
  return {
    ...{ id, kind, agent, network, asset, payFrom, payTo, tx },
    ...(attempt.kind === 'payment' ? { host: attempt.host, labels: attempt.labels } : { host: '' }),
    amountAtomic: capturedAtomic ?? 0n,
    atMs: capturedWallMs(attempt) ?? changedMs,
  };
}

/** The month of a text `YYYY-MM` by the machine's own time zone; null where it is none. */
export function monthOf(text: string): Period | null {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text);
  if (match === null) return null;
  const [year, month] = [Number(match[1]), Number(match[2])];
  return { fromMs: new Date(year, month - 1, 1).getTime(), toMs: new Date(year, month, 1).getTime() };
}

/** The name of the month that a time is in, by the machine's own time zone. */
export function monthName(ms: number): string {
  const date = new Date(ms);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}`;
}
