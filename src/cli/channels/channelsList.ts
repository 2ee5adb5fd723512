import type { Entitlement } from '../../ledger/books/entitlement.js';
import { findAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import type { Caip2 } from '../../money/network.js';
import { listEntitlements } from '../../owner/ownerEntitlements.js';
import { amountsOf, keptOf } from '../../wallet/entitlement/deposit.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

const COLUMNS = [
  { title: 'ID' },
  { title: 'AGENT' },
  { title: 'SELLER', flexible: true },
  { title: 'DEPOSIT', align: 'right' },
  { title: 'SIGNED', align: 'right' },
  { title: 'TAKEN', align: 'right' },
  { title: 'USED UNTIL (UTC)' },
  { title: 'STATE' },
] as const;

/** Lists the deposits that calls are paid out of. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const listed = await listEntitlements(ownerOptions(call), flags.has('all') ? {} : { isLive: true });
  const channels = listed.filter(({ kind }) => kind === 'channel').map(fieldsOf);
  const rows = channels.map((one) => [
    ...[one.id, one.agent, one.seller, one.deposit, one.signed, one.taken ?? ''],
    ...[one.used_until === null ? '' : minuteOf(one.used_until), one.state],
  ]);
  const open = channels.filter(({ state }) => state !== 'closed').length;
  const message =
    channels.length === 0
      ? 'There is no deposit with any seller.'
      : `${open} open. Each counts whole against every limit until it is closed.`;
  const table = rows.length === 0 ? [] : layTable(COLUMNS, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), { message, channels }, [...table, message]);
}

/** A deposit as `--json` tells of it; amounts in its token. */
export function fieldsOf(one: Entitlement) {
  const kept = keptOf(one);
  const { depositAtomic, drawnAtomic } = amountsOf(one);
  const asset = findAsset(kept.network as Caip2, one.unit ?? '');
  const text = (atomic: bigint): string => formatUnits(atomic, asset?.decimals ?? 0);
  const taken = kept.settled_atomic === undefined ? null : BigInt(kept.settled_atomic);
  return {
    id: one.id,
    agent: one.agent,
    seller: one.origin,
    channel: kept.channel_id ?? one.subject,
    network: kept.network,
    asset: asset?.symbol ?? one.unit,
    pay_to: kept.pay_to,
    deposit: text(depositAtomic),
    signed: text(drawnAtomic),
    taken: taken === null ? null : text(taken),
    came_back: taken === null ? null : text(depositAtomic - taken),
    used_until: one.expiresMs === null ? null : new Date(one.expiresMs).toISOString(),
    state: stateOf(one),
    payment_id: one.paymentId,
  };
}

function stateOf(one: Entitlement): 'opening' | 'open' | 'closing' | 'closed' {
  if (one.state !== 'live') return 'closed';
  const { opening, close_requested_ms } = keptOf(one);
  if (opening) return 'opening';
  return close_requested_ms === undefined ? 'open' : 'closing';
}
