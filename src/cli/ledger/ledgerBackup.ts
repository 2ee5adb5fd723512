import { resolve } from 'node:path';
import { backupLedger } from '../../owner/ledger/ledgerCare.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Copies the ledger into a file, while it is in use. */
export async function run(call: CommandCall): Promise<number> {
  const path = resolve(call.args[0] ?? '');
  await backupLedger(ownerOptions(call), path);
  const message = `The ledger is copied to ${path}.`;
  return printReport(call.io, call.flags.has('json'), { message, path }, [message]);
}
