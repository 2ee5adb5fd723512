import { setTimeout as delay } from 'node:timers/promises';
import { TransactionReceiptNotFoundError, type Hash } from 'viem';

/** Anvil mines at once, so a receipt is asked for at once, and one that has not come by then never will. */
const POLL_MS = 2;
export const RECEIPT_MS_MAX = 3 * 60_000;

/**
 * Asks for a receipt until it is there. viem asks once for each block, and anvil, which makes no block by itself, may show a
 * block a moment before its receipts: then nobody would ask again.
 */
export async function receiptOf<Receipt>(
  client: { getTransactionReceipt(call: { hash: Hash }): Promise<Receipt> },
  hash: Hash,
  msMax = RECEIPT_MS_MAX,
): Promise<Receipt> {
  const endMs = performance.now() + msMax;
  for (;;) {
    try {
      return await client.getTransactionReceipt({ hash });
    } catch (error) {
      if (!(error instanceof TransactionReceiptNotFoundError) || performance.now() > endMs) throw error;
    }
    await delay(POLL_MS);
  }
}
