import { describe, expect, it } from 'vitest';
import { layCsv } from './csv.js';

describe('layCsv', () => {
  it('writes names, rows and empty cells', () => {
    expect(layCsv(['id', 'note'], [['pay_1', null]])).toBe('id,note\r\npay_1,\r\n');
  });

  it('quotes what would break a row', () => {
    expect(layCsv(['a'], [['x,"y"\nz']])).toBe('a\r\n"x,""y""\nz"\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1'])('keeps %j from being run as a formula (T27)', (cell) => {
    expect(layCsv(['a'], [[cell]]).split('\r\n')[1]).toBe(`'${cell}`);
  });

  it('takes out what is not seen', () => {
    expect(layCsv(['a'], [['x\u001b[31m\u202Ey']])).toBe('a\r\nx[31my\r\n');
  });
});
