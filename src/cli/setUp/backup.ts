import { WalletError } from '../../errors/walletError.js';
import { unlockAsOwner } from '../../owner/auth/ownerAuth.js';
import type { CommandCall } from '../command.js';
import { checkWords } from './backupCheck.js';
import { isInteractive } from '../terminal/io.js';
import { askYes } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Words on a line: short enough to copy by hand without losing the place. */
const WORDS_PER_LINE = 6;

/** Exit code where the words were shown and the copy of them was not proved. */
const EXIT_NOT_CHECKED = 1;

/** Shows the recovery phrase or key, on a terminal and nowhere else (T21). */
export async function run(call: CommandCall): Promise<number> {
  const { io } = call;
  if (io.stdout.isTTY !== true || !isInteractive(io)) {
    throw new WalletError(
      'terminal_needed',
      'The recovery phrase is shown on a terminal only, never to a pipe or a file.',
      { owner: { say: 'Run it in a terminal of your own.', action: { kind: 'showRecoveryPhrase' } } },
    );
  }
  const keys = await unlockAsOwner(ownerOptions(call), {
    what: 'Showing the recovery phrase',
    action: { kind: 'showRecoveryPhrase' },
  });
  printLines(io.stderr, [
    'Whoever sees what comes next can take all the money of this wallet, from anywhere. Write it on paper; do not photograph it, paste it or let an agent read this screen.',
  ]);
  if (!(await askYes(io, 'Show it?'))) throw new WalletError('cancelled', 'Nothing was shown.');
  const secret = keys.revealSecret();
  if (secret.kind === 'evm_key') {
    printLines(io.stdout, ['Private key (EVM):', '', `  ${secret.privateKey}`, '']);
    return 0;
  }
  const words = secret.phrase.split(' ');
  const numbered = words.map((word, i) => `${String(i + 1).padStart(2)} ${word}`.padEnd(12));
  const lines = numbered.flatMap((_, i) =>
    i % WORDS_PER_LINE === 0
      ? [
          `  ${numbered
            .slice(i, i + WORDS_PER_LINE)
            .join(' ')
            .trimEnd()}`,
        ]
      : [],
  );
  printLines(io.stdout, [`Recovery phrase, ${words.length} words (BIP-39, English):`, '', ...lines, '']);
  return (await checkWords(call, words)) ? 0 : EXIT_NOT_CHECKED;
}
