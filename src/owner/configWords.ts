import type { KeyChange } from '../config/change.js';
import { writeOutUnseen } from '../text/untrusted.js';

/**
 * One changed setting as a paragraph: its old and its new value whole, however long; of a list an entry a line, with what
 * came (`+`) and what went (`-`) marked (T35).
 */
export function describeChange({ key, before, after, direction }: KeyChange): string {
  return [
    `${writeOutUnseen(key)}${direction === 'same' ? '' : ` ${direction}`}`,
    ...labelled('from', valueLines(before, after, '-')),
    ...labelled('to', valueLines(after, before, '+')),
  ].join('\n');
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `  ${(i === 0 ? label : '').padEnd(4)}  ${line}`);
}

/** A value in lines; entries that the other value lacks are marked. */
function valueLines(text: string, other: string, mark: string): string[] {
  const entries = entriesOf(text);
  if (entries === null) return [writeOutUnseen(text)];
  if (entries.length === 0) return ['nothing'];
  const others = entriesOf(other) ?? [];
  return entries.map((entry) => `${others.includes(entry) ? ' ' : mark} ${writeOutUnseen(entry)}`);
}

/** The entries of a list, each as it reads; null for a value that is no list. */
function entriesOf(text: string): string[] | null {
  if (!text.startsWith('[')) return null;
  const list = JSON.parse(text) as unknown[];
  return list.map((entry) => (typeof entry === 'string' ? entry : JSON.stringify(entry)));
}
