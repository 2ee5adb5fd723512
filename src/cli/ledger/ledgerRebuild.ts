import type { Rebuilding } from '../../owner/ledgerCare.js';
import { rebuildLedger } from '../../owner/ledgerCare.js';
import { ownerCommand } from '../../wallet/ownerCommand.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Counts the wallet's payments anew from the chain, in place of a ledger that is gone, foreign, older or damaged. */
export async function run(call: CommandCall): Promise<number> {
  return reportRebuilding(call, await rebuildLedger(ownerOptions(call)));
}

/** Tells how far a rebuilding has come. */
export function reportRebuilding({ io, flags }: CommandCall, rebuilding: Rebuilding): number {
  const { state, readyAtMs, imported, keptAs, suspended } = rebuilding;
  const kept = keptAs === null ? '' : ` The ledger before is kept as ${keptAs}.`;
  const readyAt = readyAtMs === null ? null : new Date(readyAtMs).toISOString();
  const messages: Readonly<Record<Rebuilding['state'], string>> = {
    sound: 'The ledger is sound and the one the keystore remembers; there is nothing to rebuild.',
    done: `The ledger is rebuilt: ${imported} ${imported === 1 ? 'payment' : 'payments'} came in from the chain.${kept}`,
    waiting: `The wallet is frozen while what was signed before can still settle. To finish, after ${readyAt ?? ''}: ${ownerCommand('ledger rebuild', io)}${kept}`,
  };
  const message = messages[state];
  const agents =
    suspended.length === 0
      ? []
      : [
          `Suspended, for what became of them since this copy is not in it: ${suspended.join(', ')}. Those that may act again: ${ownerCommand('agents resume NAME', io)}, and a new token: ${ownerCommand('agents rotate NAME', io)}`,
        ];
  const fields = { message, state, ready_at: readyAt, imported, kept_as: keptAs, suspended };
  return printReport(io, flags.has('json'), fields, [message, ...agents]);
}
