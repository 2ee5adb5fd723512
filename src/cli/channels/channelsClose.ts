import { WalletError } from '../../errors/walletError.js';
import { unlockAsOwner } from '../../owner/auth/ownerAuth.js';
import { Engine } from '../../wallet/engine.js';
import { closeDeposit, type DepositClosing } from '../../wallet/settle/depositClose.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions, untilInterrupted, walletOptions } from '../terminal/wallet.js';
import { fieldsOf } from './channelsList.js';

/** Closes a deposit with a seller, and tells what came back. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const id = args[0] ?? '';
  const keys = await unlockAsOwner(ownerOptions(call), {
    what: `Closing the deposit ${id}`,
    action: { kind: 'closeChannel', id },
    details: [id],
    alone: 'always',
  });
  const first = await Engine.openWith(walletOptions(call), keys);
  try {
    const deposit = await first.ledger.entitlements.find(id);
    if (deposit?.kind !== 'channel') throw new WalletError('not_found', 'There is no deposit by that id.');
    const engine = first.forAgent(deposit.agent);
    const closing =
      deposit.state === 'live'
        ? await untilInterrupted(async (signal) =>
            closeDeposit(engine, await engine.config(), deposit, { onChain: true, signal }),
          )
        : null;
    const after = fieldsOf((await first.ledger.entitlements.find(id)) ?? deposit);
    const message = sentenceOf(closing, after);
    return printReport(io, flags.has('json'), { message, ...after }, [message]);
  } finally {
    await first.close();
  }
}

function sentenceOf(closing: DepositClosing | null, after: ReturnType<typeof fieldsOf>): string {
  const { id, deposit, asset, taken, came_back: back } = after;
  if (closing?.kind === 'waits')
    return `The seller did not close ${id}, so the chain was asked to. It brings the rest back from ${new Date(closing.untilMs).toISOString()} on: give the same command again then.`;
  if (closing?.kind === 'closing') return `${id} is being closed. ${closing.says}`;
  return `${id} is closed: of ${deposit} ${asset ?? ''} the seller had ${taken ?? '0'}, and ${back ?? deposit} came back.`;
}
