import { describe, expect, it } from 'vitest';
import { layPairs, layTable } from './table.js';

const columns = [
  { title: 'TIME' },
  { title: 'USD', align: 'right' },
  { title: 'HOST', flexible: true },
] as const;

describe('layTable', () => {
  it('aligns words left and figures right, under the titles', () => {
    expect(
      layTable(
        columns,
        [
          ['12:00', '0.002', 'api.example.com'],
          ['12:01', '10.00', 'b'],
        ],
        80,
      ),
    ).toEqual(['TIME     USD  HOST', '12:00  0.002  api.example.com', '12:01  10.00  b']);
  });

  it('cuts the flexible column so that every line fits', () => {
    const lines = layTable(columns, [['12:00', '0.002', 'x'.repeat(200)]], 40);
    expect(lines[1]).toMatch(/^12:00 {2}0\.002 {2}x+…$/);
    expect(Math.max(...lines.map((line) => line.length))).toBe(40);
  });

  it('leaves the flexible column readable where the others already fill the width', () => {
    const [, line = ''] = layTable(columns, [['1'.repeat(60), '0', 'y'.repeat(60)]], 40);
    expect(line.endsWith(`${'y'.repeat(7)}…`)).toBe(true);
  });

  it('takes out of every cell what steers a terminal (T27)', () => {
    const lines = layTable(columns, [['\u001b[2J12', '1\n2', 'a\u202Eb\u200Bc\u0007\r\nd\u009b31m']], 80);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe('[2J12  1 2  abc d31m');
  });
});

describe('layPairs', () => {
  it('aligns values behind the longest name and keeps each on its line', () => {
    expect(
      layPairs([
        ['id', 'pay_1'],
        ['network', 'a\nb'],
      ]),
    ).toEqual(['id       pay_1', 'network  a b']);
  });
});
