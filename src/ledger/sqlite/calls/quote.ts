import type { QuoteBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import { newId } from '../../newId.js';
import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { Quote } from '../../books/quote.js';
import { type LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';

/** Offers as agents were shown them. */
export function quoteBook(access: LedgerAccess): QuoteBook {
  return {
    saveQuote: (quote) => access.write('quote', (context) => saveQuote(context, quote)),
    findQuote: (agent, id) => access.read((context) => findQuote(context, agent, id)),
  };
}

function valuesOf(quote: Quote): SqlValue[] {
  return [
    quote.id,
    quote.agent,
    quote.sessionId,
    quote.requestHash,
    quote.request,
    quote.challenge,
    BigInt(quote.offerIndex),
    quote.usdMicros,
    BigInt(quote.createdMs),
    BigInt(quote.expiresMs),
  ];
}

/** An expired quote is kept an hour, so that the answer can be "expired" instead of "unknown". */
const EXPIRED_KEPT_MS = 3_600_000;

/** Stores a quote and drops those long expired, inside the caller's transaction. */
export function saveQuote(context: LedgerContext, input: Omit<Quote, 'id'>): Quote {
  const quote = { ...input, id: newId('quo') };
  statement(context.db, 'DELETE FROM quotes WHERE expires_ms < ?').run(quote.createdMs - EXPIRED_KEPT_MS);
  const values = valuesOf(quote);
  statement(context.db, 'INSERT INTO quotes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    ...values,
    context.auth.codeOf('quotes', values),
  );
  return quote;
}

/** The agent's own quote by id, expired or not, or null: another agent's is unknown to this one. */
export function findQuote(context: LedgerContext, agent: string, id: string): Quote | null {
  const found = statement(context.db, 'SELECT * FROM quotes WHERE id = ? AND agent = ?').get(id, agent);
  if (found === undefined) return null;
  const row = found as SqlRow;
  context.auth.checkRow('quotes', row);
  return {
    id: String(row['id']),
    agent: String(row['agent']),
    sessionId: String(row['session_id']),
    requestHash: String(row['request_hash']),
    request: String(row['request']),
    challenge: String(row['challenge']),
    offerIndex: Number(row['offer_index']),
    usdMicros: row['usd_micros'] as bigint,
    createdMs: Number(row['created_ms']),
    expiresMs: Number(row['expires_ms']),
  };
}
