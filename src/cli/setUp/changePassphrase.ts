import { WalletError } from '../../errors/walletError.js';
import { changeUnlock } from '../../owner/setUp/unlockChange.js';
import type { CommandCall } from '../command.js';
import { isInteractive } from '../terminal/io.js';
import { askHidden } from '../terminal/input/prompt.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { TYPED_LENGTH_MIN } from './newKeystore.js';
import { keptPassphraseFile, keptUnlock, PASSPHRASE_VARIABLE, readSecretFile, warnOn } from './passphrase.js';

/** Changes what unlocks an encrypted keystore. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const kept = await keptUnlock(home, warnOn(io));
  await changeUnlock(ownerOptions(call), () => newUnlock(call), kept);
  const named = io.env[PASSPHRASE_VARIABLE];
  const message = 'The keystore opens with the new passphrase alone.';
  const next = [
    ...(kept.isKept ? [`It is kept for your clients in ${keptPassphraseFile(home)}.`] : []),
    ...(named === undefined || named === ''
      ? []
      : [
          `${PASSPHRASE_VARIABLE} names ${named}: put the new one there, or nothing that reads it opens the wallet.`,
        ]),
    'Servers that run stay open. A copy of the old keystore still opens with the old passphrase.',
  ];
  return printReport(io, flags.has('json'), { message, kept: kept.isKept, next }, [message, ...next]);
}

/** The new passphrase: from its file, or typed twice. Null where nobody types. */
async function newUnlock({ io, flags }: CommandCall): Promise<string | null> {
  const file = flags.text('newPassphraseFile');
  if (file !== undefined) return readSecretFile(io, '--new-passphrase-file', file);
  if (!isInteractive(io)) return null;
  const first = await askHidden(io, 'New unlock passphrase: ');
  if (first === null) return null;
  if (Array.from(first).length < TYPED_LENGTH_MIN)
    throw new WalletError('bad_input', `At least ${TYPED_LENGTH_MIN} characters; nothing was changed.`);
  if ((await askHidden(io, 'The same again: ')) === first) return first;
  throw new WalletError('bad_input', 'The two differ; nothing was changed.');
}
