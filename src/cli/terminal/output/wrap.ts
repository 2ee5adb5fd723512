/** A narrower terminal breaks lines by itself. */
const WIDTH_MIN = 30;
/** Columns of a table, which wrapping would take apart. */
const COLUMNS = /\S {2,}\S/;
/** From here on a line is a command to be pasted: a break in it would end it. */
const COMMAND = / (?=Run: )/;

/**
 * Breaks a line of prose at words, so that it fits a width; what follows keeps the line's indent. A table's row and a command
 * stay whole.
 */
export function wrapLine(line: string, width: number): string[] {
  if (line.length <= width || width < WIDTH_MIN || COLUMNS.test(line)) return [line];
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
