import { existsSync } from 'node:fs';
import type { AskPassphrase, KeystoreKind } from '../../keys/keystore.js';
import type { CommandCall } from '../command.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { isInteractive } from '../terminal/io.js';
import { askUnlessNo } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';
import { keepPassphrase, keptPassphraseFile, ownerPassphrase } from './passphrase.js';

/**
 * Where the unlock passphrase of a file keystore is for clients: in the file that was named, or kept beside the wallet, with a
 * person's consent unless it was made here; undefined where it is nowhere, which is said with what mends it. `known` is
 * how it is had where it was just typed; null asks for it.
 */
export async function keepForClients(
  call: CommandCall,
  known: AskPassphrase | null,
  keystore: KeystoreKind | null,
): Promise<string | undefined> {
  const { io, home, flags } = call;
  const named = flags.text('passphraseFile') ?? io.env['PURSER_PASSPHRASE_FILE'];
  if (named) return named;
  const own = keptPassphraseFile(home);
  if (existsSync(own)) return own;
  if (keystore !== 'file' || flags.has('dryRun')) return undefined;
  const locked = `The wallet stays locked in clients until its unlock passphrase is kept for them: ${showLine(commandLine('install', [], { '--passphrase-file': { blank: 'FILE' } }), io)}`;
  if (flags.has('yes') || !isInteractive(io)) {
    printLines(io.stderr, [locked]);
    return undefined;
  }
  printLines(io.stderr, [
    '',
    `A client starts the wallet where nobody can type its unlock passphrase. It can be kept in ${own}, which only you can read; whoever gets that file and the keystore has the keys.`,
  ]);
  if (!(await askUnlessNo(io, 'Keep it there?'))) {
    printLines(io.stderr, [locked]);
    return undefined;
  }
  const passphrase = known === null ? await typedPassphrase(call) : await known();
  return passphrase === null ? undefined : await keepPassphrase(home, passphrase);
}

/** The unlock passphrase from a person, once it opened the keystore. Throws `wrong_passphrase`. */
async function typedPassphrase({ io, home }: CommandCall): Promise<string | null> {
  const { unlockAsAnyone } = await import('../../owner/auth/ownerAuth.js');
  const passphrase = ownerPassphrase(io, home, undefined);
  await unlockAsAnyone({ home, passphrase });
  return passphrase();
}
