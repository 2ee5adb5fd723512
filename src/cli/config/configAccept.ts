import { WalletError } from '../../errors/walletError.js';
import { acceptConfigEdit, type ConfigEdit } from '../../owner/ownerConfig.js';
import type { CommandCall } from '../command.js';
import { isInteractive } from '../terminal/io.js';
import { askYes } from '../terminal/input/prompt.js';
import { printLines, printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Shows what an edit of config.json changed, and accepts it if the owner says so. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const json = flags.has('json');
  let edit: ConfigEdit | undefined;
  const accepted = await acceptConfigEdit(ownerOptions(call), async (shown) => {
    edit = shown;
    if (!shown.needsAccepting) return false;
    // Whole, whatever its width and length: a terminal wraps, and nothing is cut (T35).
    printLines(io.stderr, [shown.paragraphs.join('\n\n'), '']);
    if (flags.has('yes')) return true;
    if (!isInteractive(io)) {
      throw new WalletError(
        'bad_input',
        'Without a terminal, say --yes to accept what is shown; nothing was accepted.',
      );
    }
    if (await askYes(io, 'Accept it?')) return true;
    throw new WalletError('cancelled', 'Nothing was accepted; signing stays stopped until it is.');
  });
  const message =
    accepted === null ? 'config.json is as it was accepted; there is nothing to accept.' : 'Accepted.';
  const fields = {
    message,
    accepted: accepted !== null,
    version: edit?.config.version,
    changes: edit?.changes ?? [],
  };
  return printReport(io, json, accepted === null ? fields : { ...fields, version: accepted.version }, [
    message,
  ]);
}
