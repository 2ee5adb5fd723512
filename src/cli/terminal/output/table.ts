import { cleanLine } from '../../../text/untrusted.js';

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Figures stand right, words left. */
  readonly align?: 'left' | 'right';
  /** Takes what the other columns leave, and is cut where that is too little. At most one. */
  readonly flexible?: boolean;
}

const GAP = '  ';
/** A cut column still says something. */
const FLEXIBLE_WIDTH_MIN = 8;
/** A cell longer than any terminal is wide is cut before it is measured. */
const CELL_LENGTH_MAX = 400;

/**
 * Lays rows out in aligned columns within a width, a title line first.
 *
 * T27: every cell is cleaned of what steers a terminal and made one line, whoever wrote it.
 */
export function layTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widthMax: number,
): string[] {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) =>
    columns.map((_, i) => cleanLine(row[i] ?? '', CELL_LENGTH_MAX)),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const flexible = columns.findIndex((column) => column.flexible === true);
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1);
  if (flexible !== -1 && total > widthMax) {
    widths[flexible] = Math.max(FLEXIBLE_WIDTH_MIN, (widths[flexible] ?? 0) - (total - widthMax));
  }
  return cells.map((row) =>
    columns
      .map(({ align }, i) => {
        const width = widths[i] ?? 0;
        const text = cleanLine(row[i] ?? '', width);
        return align === 'right' ? text.padStart(width) : text.padEnd(width);
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Lays names and values out in two columns: `name  value`. */
export function layPairs(pairs: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}${GAP}${cleanLine(value, CELL_LENGTH_MAX)}`);
}
