import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What the owner has to be told about, whatever the words: see docs/liveness.md. */
const EVENTS =
  /sleep|VM|clock|restored|RPC is gone|another RPC|another machine|disk is full|killed|loses its answer/;
const ROWS_MIN = 12;

it('each row of docs/liveness.md names a test that is there', () => {
  const rows = readFileSync('docs/liveness.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (event|-)/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim()));
  expect(rows.length).toBeGreaterThanOrEqual(ROWS_MIN);
  expect(rows.filter(([event = '']) => EVENTS.test(event)).length).toBeGreaterThanOrEqual(8);
  const unproved = rows.filter((cells) => {
    const [, file = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(cells.at(-1) ?? '') ?? [];
    return cells.length !== 5 || !existsSync(file) || !hasTest(readFileSync(file, 'utf8'), name);
  });
  expect(unproved).toEqual([]);
});

/** Whether a name stands in a test's own title, of which a row may leave the front or a placeholder out. */
function hasTest(source: string, name: string): boolean {
  const titles = [...source.matchAll(/(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)].map(([, , title]) => title ?? '');
  return name.length > 0 && titles.some((title) => title.includes(name));
}
