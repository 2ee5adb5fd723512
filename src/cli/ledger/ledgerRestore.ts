import { resolve } from 'node:path';
import { restoreLedger } from '../../owner/ledger/ledgerCare.js';
import type { CommandCall } from '../command.js';
import { reportRebuilding } from './ledgerRebuild.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Puts a backup in the ledger's place and begins to count what was paid since. */
export async function run(call: CommandCall): Promise<number> {
  return reportRebuilding(call, await restoreLedger(ownerOptions(call), resolve(call.args[0] ?? '')));
}
