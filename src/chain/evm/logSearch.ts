import { RpcFault } from '../rpcFault.js';

/** Public operators search from ten to this many blocks at once, and say which only by refusing. */
const PAGE_BLOCKS_MAX = 10_000n;
const PAGE_BLOCKS_MIN = 10n;
/** How much smaller a refused page is tried again. */
const SHRINK = 4n;

/**
 * Yields the logs of a block range page by page, oldest first, empty pages left out. A page that the operator refuses
 * is asked for in smaller pieces. Throws RpcFault, also once `callsMax` questions did not reach the end.
 */
export async function* searchLogs<Filter extends object, Log>(
  operator: {
    readonly origin: string;
    logs(
      filter: Filter & { readonly blocks: { readonly from: bigint; readonly to: bigint } },
      signal?: AbortSignal,
    ): Promise<readonly Log[]>;
  },
  filter: Filter,
  { from, to }: { readonly from: bigint; readonly to: bigint },
  callsMax: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly Log[]> {
  let pageBlocks = PAGE_BLOCKS_MAX;
  let start = from;
  for (let call = 0; call < callsMax && start <= to; call++) {
    const lastOfPage = start + pageBlocks - 1n;
    const end = lastOfPage < to ? lastOfPage : to;
    try {
      const logs = await operator.logs({ ...filter, blocks: { from: start, to: end } }, signal);
      if (logs.length > 0) yield logs;
      start = end + 1n;
    } catch (error) {
      pageBlocks = smallerPage(error, end - start + 1n);
    }
  }
  if (start <= to) {
    throw new RpcFault(
      'refused',
      operator.origin,
      `did not search ${to - from + 1n} blocks in ${callsMax} calls`,
    );
  }
}

function smallerPage(error: unknown, blocks: bigint): bigint {
  const mayBeSize = error instanceof RpcFault && (error.kind === 'refused' || error.kind === 'too_large');
  if (!mayBeSize || blocks <= PAGE_BLOCKS_MIN) throw error;
  const smaller = blocks / SHRINK;
  return smaller < PAGE_BLOCKS_MIN ? PAGE_BLOCKS_MIN : smaller;
}
