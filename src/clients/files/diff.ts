import { structuredPatch } from 'diff';

/** Lines shown around a change: few, since a neighbour's secret may stand there. */
const CONTEXT_LINES = 1;
/** Beyond this many changed lines a change is shown as taken out and put in whole. */
const CHANGED_LINES_MAX = 2_000;

/** A unified diff of two texts of a file; null stands for no file. Empty where they are the same. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  if (before === after) return '';
  const [from, to] = [before === null ? '/dev/null' : path, after === null ? '/dev/null' : path];
  return [`--- ${from}`, `+++ ${to}`, ...hunkLines(plainLines(before), plainLines(after))].join('\n') + '\n';
}

/** The text with lines that end as on Unix, the last one too: how a line ends is no change to show. */
function plainLines(text: string | null): string {
  if (text === null || text === '') return '';
  const plain = text.replaceAll('\r\n', '\n');
  return plain.endsWith('\n') ? plain : `${plain}\n`;
}

function hunkLines(before: string, after: string): string[] {
  const limits = { context: CONTEXT_LINES, maxEditLength: CHANGED_LINES_MAX };
  const patch = structuredPatch('', '', before, after, '', '', limits) ??
    // Nothing in common: all of the old, then all of the new.
    { hunks: [wholeHunk(before.split('\n').slice(0, -1), after.split('\n').slice(0, -1))] };
  return patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
}

function wholeHunk(before: readonly string[], after: readonly string[]) {
  return {
    oldStart: before.length === 0 ? 0 : 1,
    oldLines: before.length,
    newStart: after.length === 0 ? 0 : 1,
    newLines: after.length,
    lines: [...before.map((line) => `-${line}`), ...after.map((line) => `+${line}`)],
  };
}
