/** Lines shown around a change: few, since a neighbour's secret may stand there. */
const CONTEXT = 1;
/** Beyond this many pairs of lines, a change is shown as taken out and put in whole. */
const PAIRS_MAX = 250_000;

type Step = readonly [sign: ' ' | '-' | '+', line: string];

/** A unified diff of two texts of a file; null stands for no file. Empty where they are the same. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  if (before === after) return '';
  const steps = stepsBetween(linesOf(before), linesOf(after));
  const names = [before === null ? '/dev/null' : path, after === null ? '/dev/null' : path];
  return [`--- ${names[0]}`, `+++ ${names[1]}`, ...hunksOf(steps)].join('\n') + '\n';
}

function linesOf(text: string | null): string[] {
  if (text === null || text === '') return [];
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  return text.endsWith('\n') ? lines.slice(0, -1) : lines;
}

function stepsBetween(before: readonly string[], after: readonly string[]): Step[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const room = Math.min(before.length, after.length) - head;
  while (tail < room && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const same = (lines: readonly string[]): Step[] => lines.map((line) => [' ', line]);
  const old = before.slice(head, before.length - tail);
  const fresh = after.slice(head, after.length - tail);
  return [
    ...same(before.slice(0, head)),
    ...middleSteps(old, fresh),
    ...same(before.slice(before.length - tail)),
  ];
}

/** By the longest common run of lines. */
function middleSteps(old: readonly string[], fresh: readonly string[]): Step[] {
  const taken = (lines: readonly string[], sign: '-' | '+'): Step[] => lines.map((line) => [sign, line]);
  if (old.length * fresh.length > PAIRS_MAX) return [...taken(old, '-'), ...taken(fresh, '+')];
  const width = fresh.length + 1;
  const length = new Array<number>((old.length + 1) * width).fill(0);
  const at = (i: number, j: number): number => length[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      length[i * width + j] =
        old[i] === fresh[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < fresh.length) {
    if (old[i] === fresh[j]) {
      steps.push([' ', old[i] ?? '']);
      [i, j] = [i + 1, j + 1];
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      steps.push(['-', old[i] ?? '']);
      i += 1;
    } else {
      steps.push(['+', fresh[j] ?? '']);
      j += 1;
    }
  }
  return [...steps, ...taken(old.slice(i), '-'), ...taken(fresh.slice(j), '+')];
}

function hunksOf(steps: readonly Step[]): string[] {
  const changed = steps.flatMap(([sign], i) => (sign === ' ' ? [] : [i]));
  const out: string[] = [];
  for (let k = 0; k < changed.length;) {
    const from = Math.max(0, (changed[k] ?? 0) - CONTEXT);
    while (k + 1 < changed.length && (changed[k + 1] ?? 0) - (changed[k] ?? 0) <= 2 * CONTEXT + 1) k += 1;
    const to = Math.min(steps.length, (changed[k] ?? 0) + CONTEXT + 1);
    k += 1;
    const count = (part: readonly Step[], not: '-' | '+'): number =>
      part.filter(([sign]) => sign !== not).length;
    const [above, shown] = [steps.slice(0, from), steps.slice(from, to)];
    const side = (not: '-' | '+'): string => {
      const lines = count(shown, not);
      // A side without lines names the line before it.
      return `${count(above, not) + (lines === 0 ? 0 : 1)},${lines}`;
    };
    out.push(`@@ -${side('+')} +${side('-')} @@`, ...shown.map(([sign, line]) => sign + line));
  }
  return out;
}
