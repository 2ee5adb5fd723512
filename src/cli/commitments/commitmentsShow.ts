import { WalletError } from '../../errors/walletError.js';
import { findAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import type { Caip2 } from '../../money/network.js';
import { listCommitments, viewCommitment } from '../../owner/ownerCommitments.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Shows one promise and what was taken by it. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const all = await listCommitments(ownerOptions(call), true);
  const found = all.find(({ promise }) => promise.id === args[0]);
  if (found === undefined) throw new WalletError('not_found', 'There is no subscription by that id.');
  const fields = viewCommitment(found);
  const decimals = findAsset(found.promise.network as Caip2, found.promise.asset)?.decimals ?? 0;
  const charges = found.charges.map(({ id, state, capturedAtomic, capturedWallMs, tx, confirmed }) => ({
    ...{ id, state, confirmed, tx },
    amount: capturedAtomic === null ? null : formatUnits(capturedAtomic, decimals),
    at: capturedWallMs === null ? null : new Date(capturedWallMs).toISOString(),
  }));
  const { id, seller, amount, asset, period_days: days, ends_at: endsAt, state } = fields;
  const message = `${id} with ${seller} is ${state}: at most ${amount} ${asset} every ${days} days until ${endsAt}.`;
  const lines = charges.map((one) => {
    const when = one.at === null ? 'not yet' : minuteOf(one.at);
    return `${one.id}  ${when}  ${one.amount ?? 'nothing'}  ${one.state}${one.tx === null ? '' : `  ${one.tx}`}`;
  });
  return printReport(io, flags.has('json'), { message, ...fields, charges }, [message, ...lines]);
}
