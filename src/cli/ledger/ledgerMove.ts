import { resolve } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { moveLedger } from '../../owner/ledger/ledgerMove.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Moves the ledger to PostgreSQL, or back into a file. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const to = flags.text('to');
  if (to === undefined)
    throw new WalletError('bad_input', 'Say where to: --to postgres://user@host/database, or --to file.');
  const file = flags.text('passwordFile');
  const passwordFile = file === undefined ? null : resolve(file);
  const moved = await moveLedger(ownerOptions(call), to === 'file' ? null : { url: to, passwordFile });
  const { rows, payments, keptAs } = moved;
  const message = `The ledger of ${payments} payments is ${to === 'file' ? 'a file of the wallet’s folder' : `at ${to}`}.`;
  const proof = `${rows} rows were compared one by one, and they agree with the journal.`;
  return printReport(io, flags.has('json'), { message, rows, payments, kept_as: keptAs }, [
    message,
    ...(rows === 0 ? [] : [proof]),
    ...(keptAs === null ? [] : [`The file it came from is kept as ${keptAs}. Start the wallet again.`]),
  ]);
}
