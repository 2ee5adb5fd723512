import { ledgerInput } from '../wallet/input.js';
import { LIST, TEXT, outcomeSchema } from './outcomeSchema.js';
import { defineTool, READ_ONLY } from './tool.js';

/** `wallet_ledger`: what was spent, and what became of one payment. */
export const walletLedger = defineTool({
  name: 'wallet_ledger',
  title: 'Show purchases and what was spent',
  description: `Show purchases: what was spent, what became of a payment; use it with payment_id when a result said money: held or unknown. Free, moves no money.

With payment_id the chain is asked first where that payment's end is open. Without: view "entries" lists payments, newest first; "by_host", "by_day" (UTC), "by_session" and "by_category" total captured, held and lost; "lost": what brought nothing, by host. Filters: since and until (ISO 8601), host (name, host:port, URL), state.

state: held and signed (reserved, nothing left the machine), sent and unknown (may still settle), captured (paid: by the receipt, and once the chain proved it confirmed: true), released (can never settle; the amount is free again).

Sample: {"payment_id": "pay_…"}
Sample: {"view": "by_host", "since": "2026-11-01"}`,
  inputSchema: ledgerInput,
  outputSchema: outcomeSchema({
    entries: LIST,
    next_cursor: TEXT,
    groups: LIST,
  }),
  annotations: READ_ONLY,
  handle: (wallet, input, context) => wallet.ledger(input, context),
});
