import { randomInt } from 'node:crypto';
import { markBackedUp } from '../../owner/setUp/backedUp.js';
import type { CommandCall } from '../command.js';
import { askLine } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';

/** Words asked for: enough to show that there is a copy, few enough that nobody skips it. */
const WORDS_ASKED = 3;
/** Clears the screen and what can be scrolled back to: the words stood there. */
const CLEAR_SCREEN = '\u001b[2J\u001b[3J\u001b[H';

/**
 * Has the owner clear the screen and give some words of the phrase from their copy. True, and noted beside the wallet, where
 * they are right; false where they are not, or are left out.
 */
export async function checkWords(
  { io, home }: CommandCall,
  words: readonly string[],
  pick: (below: number) => number = randomInt,
): Promise<boolean> {
  const ready = await askLine(io, 'Enter clears the screen, then asks for three of them: ');
  io.stderr.write(CLEAR_SCREEN);
  if (ready === null) return false;
  const places = new Set<number>();
  while (places.size < Math.min(WORDS_ASKED, words.length)) places.add(pick(words.length));
  for (const place of [...places].sort((a, b) => a - b)) {
    const given = (await askLine(io, `Word ${place + 1} (Enter: later): `))?.trim().toLowerCase() ?? '';
    if (given === words[place]) continue;
    printLines(io.stderr, [
      given === ''
        ? 'Not checked. Until it is, doctor reminds you.'
        : 'That is not the word. Compare your copy with the words once more; nothing was noted.',
    ]);
    return false;
  }
  await markBackedUp(home, io.now());
  printLines(io.stderr, ['All three are right: your copy can bring the wallet back.']);
  return true;
}
