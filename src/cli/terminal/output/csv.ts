import { cleanText } from '../../../text/untrusted.js';

/**
 * A spreadsheet takes a cell that begins like this for a formula, and runs it: with one of the signs, also behind
 * blanks that an import cuts off, or with a tab or a line feed. U+2212 is the minus that typesetters write.
 */
const FORMULA_START = /^(?:[\t\n]|\s*[=+\-@\u2212])/;

/**
 * Writes rows as CSV (RFC 4180), the names of the columns first.
 *
 * T27: what a seller or an agent wrote is cleaned, and a cell that a spreadsheet would run gets a quote before it.
 */
export function layCsv(names: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  return layCsvRows([names, ...rows]);
}

/** Rows of a table whose columns were named before: the same cells, in pieces. */
export function layCsvRows(rows: readonly (readonly (string | null)[])[]): string {
  return rows.map((row) => `${row.map((cell) => cellOf(cell ?? '')).join(',')}\r\n`).join('');
}

function cellOf(text: string): string {
  const clean = cleanText(text);
  // Full-width, small and raised signs count as the plain ones: spreadsheets read them so.
  const safe = FORMULA_START.test(clean.normalize('NFKC')) ? `'${clean}` : clean;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
