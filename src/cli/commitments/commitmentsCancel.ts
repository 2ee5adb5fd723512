import { WalletError } from '../../errors/walletError.js';
import { unlockAsOwner } from '../../owner/auth/ownerAuth.js';
import { isCommitment } from '../../protocols/protocol.js';
import { Engine } from '../../wallet/engine.js';
import { cancelCommitment } from '../../wallet/settle/commitmentEnd.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions, untilInterrupted, walletOptions } from '../terminal/wallet.js';

/** Ends a promise on its chain, and tells whether that is settled. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const id = args[0] ?? '';
  const keys = await unlockAsOwner(ownerOptions(call), {
    what: `Ending the subscription ${id}`,
    action: { kind: 'cancelCommitment', id },
    details: [id],
    alone: 'always',
  });
  const first = await Engine.openWith(walletOptions(call), keys);
  try {
    const promise = await first.ledger.findPayment(id);
    if (promise === null || !isCommitment(promise))
      throw new WalletError('not_found', 'There is no subscription by that id.');
    const engine = first.forAgent(promise.agent);
    const ending = await untilInterrupted(async (signal) =>
      cancelCommitment(engine, await engine.config(), promise, signal),
    );
    const tx = ending.kind === 'ending' ? ending.tx : null;
    const message =
      tx === null
        ? `${id} has ended: nothing more is taken by it.`
        : `The chain was asked to end ${id} by ${tx}; it counts until that is settled, which takes moments.`;
    return printReport(io, flags.has('json'), { message, id, state: ending.kind, tx }, [message]);
  } finally {
    await first.close();
  }
}
