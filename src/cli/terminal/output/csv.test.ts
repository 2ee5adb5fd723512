import { describe, expect, it } from 'vitest';
import { layCsv } from './csv.js';

describe('layCsv', () => {
  it('writes names, rows and empty cells', () => {
    expect(layCsv(['id', 'note'], [['pay_1', null]])).toBe('id,note\r\npay_1,\r\n');
  });

  it('quotes what would break a row', () => {
    expect(layCsv(['a'], [['x,"y"\nz']])).toBe('a\r\n"x,""y""\nz"\r\n');
  });

  it.each(
    [
      ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\tx', ' =1', '\u00a0=1'],
      ['＝1+1', '＋1', '－1', '＠SUM(A1)', '﹦1', '﹢1', '﹣1', '﹫A', '⁺1', '\u22121'],
    ].flat(),
  )('keeps %j from being run as a formula (T27)', (cell) => {
    expect(layCsv(['a'], [[cell]]).split('\r\n')[1]).toMatch(/^'/);
  });

  it.each(['\n=1', '\nx', '\r=1', '\r\n=1', '\u2028=1', '\u200b\n=1'])(
    'keeps a cell that begins with a line break from being run as a formula: %j (T27)',
    (cell) => {
      expect(layCsv(['a'], [[cell]])).toMatch(/^a\r\n"'\n/);
    },
  );

  it('leaves a plain cell as it is', () => {
    expect(layCsv(['a'], [['weather ＝ fine'], ['0.01'], ['https://a.example/?x=-1']])).toBe(
      'a\r\nweather ＝ fine\r\n0.01\r\nhttps://a.example/?x=-1\r\n',
    );
  });

  it('takes out what is not seen', () => {
    expect(layCsv(['a'], [['x\u001b[31m\u202Ey']])).toBe('a\r\nx[31my\r\n');
  });
});
