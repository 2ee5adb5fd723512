/** A narrower terminal breaks lines by itself. */
const WIDTH_MIN = 30;
/** Columns of a table, which wrapping would take apart. */
const COLUMNS = /\S {2,}\S/;
/** What colours a text and takes no room. */
const COLOUR = /\u001b\[[\d;]*m/g;
/** A name and what is said of it, in two columns. */
const PAIR = /^( *\S+(?: \S+)* {2,})(\S+(?: \S+)*)$/;
/** Beside a name less than this is no column to read. */
const PAIR_WIDTH_MIN = 24;
/** From here on a line is a command to be pasted: a break in it would end it. */
const COMMAND = / (?=Run: )|(?<=:)(?<!Run:) (?=(?:npx (?:-y )?|\S*node\S* )?\S*purser\S* [a-z-])/;

/**
 * Breaks a line of prose at words, so that it fits a width; what follows keeps the line's indent, or stands below the second of
 * two columns. A row of more columns and a command stay whole.
 */
export function wrapLine(line: string, width: number): string[] {
  const plain = line.replace(COLOUR, '');
  if (plain.length <= width || width < WIDTH_MIN) return [line];
  const [, name = ''] = PAIR.exec(plain) ?? [];
  if (name !== '' && width - name.length >= PAIR_WIDTH_MIN) {
    const cut = placeOf(name.length, line);
    return wrapWords(line.slice(cut), width - name.length).map((row, i) =>
      i === 0 ? line.slice(0, cut) + row : ' '.repeat(name.length) + row,
    );
  }
  return COLUMNS.test(plain) ? [line] : wrapWords(line, width);
}

/** Where in a line so many of its characters that take room have gone by, and the colours that end there. */
function placeOf(seen: number, line: string): number {
  let left = seen;
  let at = 0;
  for (const piece of line.matchAll(/\u001b\[[\d;]*m|[^\u001b]/g)) {
    const takesRoom = piece[0].length === 1;
    if (takesRoom && left === 0) break;
    if (takesRoom) left -= 1;
    at = piece.index + piece[0].length;
  }
  return at;
}

function widthOfText(text: string): number {
  return text.replace(COLOUR, '').length;
}

function wrapWords(line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const [prose = '', ...commands] = line.slice(indent.length).split(COMMAND);
  const lines: string[] = [];
  let row = '';
  for (const word of prose.split(' ')) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (row !== '' && indent.length + widthOfText(longer) > width) {
      lines.push(indent + row);
      row = word;
    } else row = longer;
  }
  return [...lines, indent + row, ...commands.map((command) => indent + command)];
}
