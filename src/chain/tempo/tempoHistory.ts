import type { AtomicAmount } from '../../money/unit.js';
import type { MemoLog, TransferLog } from '../evm/tokenLog.js';
import type { ChainPayment, HistoryKind } from '../history.js';

/** Who takes the fees of all transactions of Tempo: a part of the chain itself. */
export const FEE_MANAGER = '0xfeec000000000000000000000000000000000000';

/**
 * Tokens of Tempo (TIP-20). A payment is known by its memo; a fee that the payer paid itself counts to the payment of the
 * same transaction, and stands alone where that moved nothing.
 */
export const TEMPO_HISTORY: Omit<HistoryKind, 'nameIn'> = {
  events: ['Transfer', 'TransferWithMemo'],
  pair(logs) {
    const memos = logs.filter((log) => log.event === 'TransferWithMemo');
    const transfers = logs.filter((log) => log.event === 'Transfer');
    const fees = transfers.filter(({ to }) => to === FEE_MANAGER);
    const taken = new Set<string>();
    const moved = transfers.filter(({ to, amountAtomic }) => to !== FEE_MANAGER && amountAtomic > 0n);
    const payments = moved.map((transfer) => {
      const isFirst = !taken.has(transfer.tx);
      taken.add(transfer.tx);
      const fee = isFirst ? sum(fees.filter(({ tx }) => tx === transfer.tx)) : 0n;
      return paymentOf(transfer, memoOf(memos, transfer), fee);
    });
    const lone = fees.filter(({ tx, amountAtomic }) => !taken.has(tx) && amountAtomic > 0n);
    return {
      payments: [...payments, ...lone.map((fee) => paymentOf(fee, null, 0n))],
      spentWithoutTransfer: [],
    };
  },
};

/** The token writes the log with the memo right behind that of its transfer. */
function memoOf(memos: readonly MemoLog[], { tx, logIndex }: TransferLog): string | null {
  return memos.find((log) => log.tx === tx && log.logIndex === logIndex + 1)?.memo ?? null;
}

function sum(logs: readonly TransferLog[]): AtomicAmount {
  return logs.reduce((total, { amountAtomic }) => total + amountAtomic, 0n);
}

function paymentOf(
  { to, amountAtomic, tx, blockNumber, logIndex }: TransferLog,
  nonce: string | null,
  feeAtomic: AtomicAmount,
): Omit<ChainPayment, 'timeSec'> {
  return { nonce, to, amountAtomic: amountAtomic + feeAtomic, tx, blockNumber, logIndex };
}
