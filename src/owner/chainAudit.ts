import type { ChainPayment } from '../chain/chain.js';
import type { Config } from '../config/settings.js';
import { isWalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { openedWallMs, type Payment } from '../ledger/payment.js';
import { formatUnits } from '../money/decimal.js';
import { agentAddresses, fundedAssets } from './ownAddresses.js';

/** As far back as any cap counts. */
const COMPARED_MS = 30 * 86_400_000;
/** Rows this near the beginning may be settled in blocks before it. */
const EDGE_MS = 3_600_000;
const PAGE_ROWS = 200;

/** One difference between ledger and chain, or a chain that could not be read. */
export interface ChainFinding {
  readonly where: 'chain';
  readonly id: string;
  readonly says: string;
}

/** What was compared. */
export interface ChainComparison {
  readonly compared: number;
  /** The same by agent and network, where anything was compared. */
  readonly byAgent: readonly {
    readonly agent: string;
    readonly network: string;
    readonly payments: number;
  }[];
  /** Payments that the chain shows and the ledger does not know: a rebuilding counts them. */
  readonly unknown: number;
  readonly findings: readonly ChainFinding[];
}

/**
 * Compares the last 30 days of the ledger with what the chain shows, to the atomic unit, for each enabled network: a
 * payment that either side does not know, and amounts that differ. Payments still open are left to the reconciler.
 */
export async function compareWithChain(
  config: Config,
  keys: UnlockedWallet,
  ledger: Ledger,
  nowMs: number,
): Promise<ChainComparison> {
  const sinceMs = nowMs - COMPARED_MS;
  const rows = byNonce(ledger, sinceMs - EDGE_MS);
  const findings: ChainFinding[] = [];
  const byAgent: ChainComparison['byAgent'][number][] = [];
  let unknown = 0;
  for (const { network, asset, chain } of fundedAssets(config, keys)) {
    const id = `${network.caip2} ${asset.symbol}`;
    try {
      const sinceSec = Math.floor(sinceMs / 1000);
      const agents = await agentAddresses(config, keys, ledger, network);
      const histories = await Promise.all(
        agents.map(({ address }) => chain.history(asset, address, sinceSec)),
      );
      const shown = new Set<string>();
      for (const [i, { payments }] of histories.entries()) {
        const agent = agents[i]?.agent ?? '';
        for (const payment of payments) {
          const row = rows.get(keyOf(network.caip2, nonceOf(payment)));
          shown.add(nonceOf(payment));
          if (row === undefined) unknown += 1;
          const says = judge(payment, row, { agent, label: network.label, decimals: asset.decimals });
          if (says !== null) findings.push({ where: 'chain', id: row?.id ?? payment.tx, says });
        }
        if (payments.length > 0) byAgent.push({ agent, network: network.caip2, payments: payments.length });
      }
      for (const row of rows.values()) {
        if (
          row.network !== network.caip2 ||
          row.asset !== asset.address ||
          openedWallMs(row) < sinceMs + EDGE_MS
        )
          continue;
        if (row.state !== 'captured' || !row.confirmed || shown.has(row.nonce)) continue;
        findings.push({
          where: 'chain',
          id: row.id,
          says: 'The ledger has it captured and confirmed; the chain does not show it.',
        });
      }
    } catch (error) {
      if (!isWalletError(error)) throw error;
      findings.push({ where: 'chain', id, says: `Not compared: ${error.shortMessage}` });
    }
  }
  return { compared: byAgent.reduce((sum, { payments }) => sum + payments, 0), byAgent, unknown, findings };
}

function judge(
  payment: ChainPayment,
  row: Payment | undefined,
  { agent, label, decimals }: { readonly agent: string; readonly label: string; readonly decimals: number },
): string | null {
  const amount = formatUnits(payment.amountAtomic, decimals);
  if (row === undefined)
    return `The chain shows ${amount} paid by the agent ${agent} to ${payment.to} on ${label}, which the ledger does not know: ledger rebuild counts it.`;
  if (row.state === 'released')
    return `The ledger has it released; the chain shows ${amount} paid to ${payment.to}.`;
  if (row.state !== 'captured') return null;
  if (row.capturedAtomic === payment.amountAtomic) return null;
  return `The ledger has ${formatUnits(row.capturedAtomic ?? 0n, decimals)} captured; the chain shows ${amount}.`;
}

function byNonce(ledger: Ledger, sinceMs: number): Map<string, Payment> {
  const rows = new Map<string, Payment>();
  let cursor: string | null = null;
  do {
    const page = ledger.listPayments({ sinceMs }, PAGE_ROWS, cursor);
    for (const payment of page.payments)
      rows.set(keyOf(payment.network, payment.nonce.toLowerCase()), payment);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return rows;
}

function keyOf(network: string, nonce: string): string {
  return `${network} ${nonce}`;
}

/** A plain transfer has no nonce: its place on the chain stands for one, as in the ledger's rebuilding. */
function nonceOf({ nonce, tx, to, amountAtomic }: ChainPayment): string {
  return nonce?.toLowerCase() ?? `transfer ${tx} ${to.toLowerCase()} ${amountAtomic}`;
}
