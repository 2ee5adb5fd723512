/** A narrower terminal breaks lines by itself. */
const WIDTH_MIN = 30;
/** Columns of a table, which wrapping would take apart. */
const COLUMNS = /\S {2,}\S/;
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
  if (line.length <= width || width < WIDTH_MIN) return [line];
  const [, name = '', said = ''] = PAIR.exec(line) ?? [];
  if (name !== '' && width - name.length >= PAIR_WIDTH_MIN)
    return wrapWords(said, width - name.length).map((row, i) =>
      i === 0 ? name + row : ' '.repeat(name.length) + row,
    );
  return COLUMNS.test(line) ? [line] : wrapWords(line, width);
}

function wrapWords(line: string, width: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const [prose = '', ...commands] = line.slice(indent.length).split(COMMAND);
  const lines: string[] = [];
  let row = '';
  for (const word of prose.split(' ')) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (row !== '' && indent.length + longer.length > width) {
      lines.push(indent + row);
      row = word;
    } else row = longer;
  }
  return [...lines, indent + row, ...commands.map((command) => indent + command)];
}
