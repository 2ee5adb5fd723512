import type { Rebuilding } from '../../owner/ledger/ledgerCare.js';
import { rebuildLedger } from '../../owner/ledger/ledgerCare.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { cleanLine } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

const NOTE_LENGTH_MAX = 500;

/** Counts the wallet's payments anew from the chain, in place of a ledger that is gone, foreign, older or damaged. */
export async function run(call: CommandCall): Promise<number> {
  return reportRebuilding(call, await rebuildLedger(ownerOptions(call)));
}

/** Tells how far a rebuilding has come. */
export function reportRebuilding({ io, flags }: CommandCall, rebuilding: Rebuilding): number {
  const { state, readyAtMs, imported, recaptured, keptAs, suspended, notes, frozen } = rebuilding;
  const kept = keptAs === null ? '' : ` The ledger before is kept as ${keptAs}.`;
  const readyAt = readyAtMs === null ? null : new Date(readyAtMs).toISOString();
  const messages: Readonly<Record<Rebuilding['state'], string>> = {
    sound: 'The ledger is sound and the one the keystore remembers; there is nothing to rebuild.',
    done: `The ledger is rebuilt: ${imported} ${imported === 1 ? 'payment' : 'payments'} came in from the chain.${kept}`,
    waiting: `The wallet is frozen while what was signed before can still settle. To finish, after ${readyAt ?? ''}: ${showLine(commandLine('ledger rebuild'), io)}${kept}`,
  };
  const message = messages[state];
  const again =
    recaptured === 0
      ? []
      : [
          `Captured again: ${recaptured} that had been released, and that the chain shows. Your limits count them.`,
        ];
  const counted = imported === 0 ? [] : COUNTED;
  const stays =
    state === 'waiting' || !frozen
      ? []
      : [`The wallet is frozen, as you left it. To let agents pay: ${showLine(commandLine('unfreeze'), io)}`];
  const agents =
    suspended.length === 0
      ? []
      : [
          `Suspended, for what became of them since this copy is not in it: ${suspended.join(', ')}. Those that may act again: ${showLine(commandLine('agents resume', [{ blank: 'NAME' }]), io)}, and a new token: ${showLine(commandLine('agents rotate', [{ blank: 'NAME' }]), io)}`,
        ];
  const fields = {
    message,
    state,
    ready_at: readyAt,
    imported,
    recaptured,
    kept_as: keptAs,
    suspended,
    counts: counted,
    frozen,
    notes,
  };
  const lines = [message, ...again, ...counted, ...notes.map((note) => cleanLine(note, NOTE_LENGTH_MAX))];
  return printReport(io, flags.has('json'), fields, [...lines, ...agents, ...stays]);
}

/** Which limits imported payments count toward, and what no chain can give back. */
const COUNTED = [
  'What came in counts toward your limits of day and month and those of its agent. The chain does not say what it bought, so it also counts toward the limits of every host and every category, and in the present session of its agent, which ends after 30 idle minutes.',
  'What begins anew, for no chain has it: usual prices and payees, pauses of sellers, answers that were stored.',
];
