import { styleText } from 'node:util';
import type { CliIo, CliOutput } from '../io.js';

/** The few looks a text can have. */
export type Look = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Gives a text a look. */
export type Paint = (look: Look, text: string) => string;

/** Colours for a terminal, and plain text for everything else and where `NO_COLOR` is set. */
export function painter(io: Pick<CliIo, 'env'>, output: CliOutput): Paint {
  const plain = output.isTTY !== true || !!io.env['NO_COLOR'] || io.env['TERM'] === 'dumb';
  if (plain) return (_look, text) => text;
  // Whether this output takes colours was decided above.
  return (look, text) => styleText(look, text, { validateStream: false });
}
