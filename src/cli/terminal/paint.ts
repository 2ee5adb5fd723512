import type { CliIo, CliOutput } from './io.js';

/** The few looks a text can have. */
export type Look = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

const CODES: Readonly<Record<Look, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Gives a text a look. */
export type Paint = (look: Look, text: string) => string;

/** Colours for a terminal, and plain text for everything else and where `NO_COLOR` is set. */
export function painter(io: Pick<CliIo, 'env'>, output: CliOutput): Paint {
  const plain = output.isTTY !== true || !!io.env['NO_COLOR'] || io.env['TERM'] === 'dumb';
  if (plain) return (_look, text) => text;
  return (look, text) => `\u001b[${CODES[look][0]}m${text}\u001b[${CODES[look][1]}m`;
}
