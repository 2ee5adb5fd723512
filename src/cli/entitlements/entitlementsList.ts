import { listEntitlements } from '../../owner/ownerEntitlements.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import { viewEntitlement } from '../../wallet/entitlement/entitlement.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

const COLUMNS = [
  { title: 'ID' },
  { title: 'AGENT' },
  { title: 'KIND' },
  { title: 'WHERE', flexible: true },
  { title: 'LEFT', align: 'right' },
  { title: 'UNTIL (UTC)' },
  { title: 'STATE' },
] as const;

/** Lists what agents bought ahead. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const agent = flags.text('agent');
  const listed = await listEntitlements(ownerOptions(call), {
    ...(agent === undefined ? {} : { agent }),
    ...(flags.has('all') ? {} : { isLive: true }),
  });
  const nowMs = io.now();
  const rows = listed.map((one) => {
    const { id, kind, origin, path, expires_at } = viewEntitlement(one);
    const until = expires_at === null ? '' : minuteOf(expires_at);
    return [id, one.agent, kind, `${origin}${path}`, leftWords(one), until, stateOf(one, nowMs)];
  });
  const what = flags.has('all') ? 'kept' : 'not used up';
  const message =
    listed.length === 0 ? 'Nothing is prepaid.' : `${listed.length} ${what}. Secrets are never shown.`;
  const table = rows.length === 0 ? [] : layTable(COLUMNS, rows, widthOf(io.stdout));
  const entitlements = listed.map((one) => fieldsOf(one, nowMs));
  return printReport(io, flags.has('json'), { message, entitlements }, [...table, message]);
}

/** An entitlement as `--json` tells of it. */
export function fieldsOf(one: Entitlement, nowMs: number) {
  return {
    ...viewEntitlement(one),
    agent: one.agent,
    state: stateOf(one, nowMs),
    created: new Date(one.createdMs).toISOString(),
    changed: new Date(one.changedMs).toISOString(),
  };
}

/** Its state; one whose time is over is expired, whoever has looked at it since. */
function stateOf({ state, expiresMs }: Entitlement, nowMs: number): Entitlement['state'] {
  return state === 'live' && expiresMs !== null && expiresMs <= nowMs ? 'expired' : state;
}

function leftWords({ valueLeft, unit }: Entitlement): string {
  return valueLeft === null ? '' : unit === null ? valueLeft : `${valueLeft} ${unit}`;
}
