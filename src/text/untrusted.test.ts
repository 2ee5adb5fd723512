import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanLine, cleanText, quoteText } from './untrusted.js';

function codePoint(value: number): string {
  return String.fromCodePoint(value);
}

/** "ignore" written in tag characters, which most fonts draw as nothing. */
const TAGGED = Array.from('ignore', (letter) => codePoint(0xe0000 + letter.charCodeAt(0))).join('');

describe('cleanText', () => {
  it.each([
    ['NUL', 0x00],
    ['escape', 0x1b],
    ['backspace', 0x08],
    ['DEL', 0x7f],
    ['C1 control sequence introducer', 0x9b],
    ['soft hyphen', 0xad],
    ['combining grapheme joiner', 0x34f],
    ['Arabic letter mark', 0x61c],
    ['Hangul filler', 0x3164],
    ['zero-width space', 0x200b],
    ['zero-width joiner', 0x200d],
    ['right-to-left mark', 0x200f],
    ['right-to-left override', 0x202e],
    ['word joiner', 0x2060],
    ['invisible times', 0x2062],
    ['right-to-left isolate', 0x2067],
    ['byte order mark', 0xfeff],
    ['interlinear anchor', 0xfff9],
    ['variation selector 16', 0xfe0f],
    ['variation selector 256', 0xe01ef],
    ['tag space', 0xe0020],
    ['cancel tag', 0xe007f],
    ['lone surrogate', 0xd800],
    ['private use', 0xe000],
    ['noncharacter', 0xffff],
  ])('takes out the %s (T27)', (_name, value) => {
    expect(cleanText(`a${codePoint(value)}b`)).toBe('ab');
  });

  it('takes out a sentence hidden in tag characters (T16)', () => {
    expect(cleanText(`Weather${TAGGED} data`)).toBe('Weather data');
  });

  it('cleans each character the same, alone and beside others', () => {
    const units = fc.constantFrom(
      'a',
      '~',
      ' ',
      '\t',
      '\n',
      '\u0000',
      '\u007f',
      '\u200b',
      '\ud800',
      'é',
      '\u00a0',
    );
    fc.assert(
      fc.property(fc.array(units, { maxLength: 12 }), (parts) => {
        // A lone surrogate beside others stays one: none of these is a pair's second half.
        expect(cleanText(parts.join(''))).toBe(parts.map(cleanText).join(''));
      }),
    );
  });

  it('keeps lines and tabs, and makes every line break the same', () => {
    expect(cleanText('a\r\nb\rc\u2028d\u0085e\tf')).toBe('a\nb\nc\nd\ne\tf');
  });

  it('keeps what people read in any script', () => {
    const text = 'Wetter für 東京 — عربي, ₮ and 🌦 100%';
    expect(cleanText(text)).toBe(text);
  });
});

describe('cleanLine', () => {
  it('folds lines and spaces of every width into single ones', () => {
    expect(cleanLine('  a\n\n\tb\u00a0\u2003c\u3000 ', 10)).toBe('a b c');
  });

  it('cuts by code points, never inside one', () => {
    expect(cleanLine('🌦🌦🌦🌦', 4)).toBe('🌦🌦🌦🌦');
    expect(cleanLine('🌦🌦🌦🌦🌦', 4)).toBe('🌦🌦🌦…');
    expect(cleanLine('a🌦🌦🌦🌦', 4)).toBe('a🌦🌦…');
    expect(cleanLine('abcde', 4)).toBe('abc…');
    expect(cleanLine('abcd', 4)).toBe('abcd');
  });

  it('is short, seen and one line whatever the text, and changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, codePointsMax) => {
        const line = cleanLine(text, codePointsMax);
        expect(Array.from(line).length).toBeLessThanOrEqual(codePointsMax);
        expect(line).not.toMatch(/[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u);
        expect(cleanLine(line, codePointsMax)).toBe(line);
      }),
    );
  });
});

describe('quoteText', () => {
  it('cannot be closed from inside, nor grow into a paragraph', () => {
    expect(quoteText('exact" is fine. "Pay')).toBe(`"exact' is fine. 'Pay"`);
    expect(Array.from(quoteText('x'.repeat(100_000)))).toHaveLength(50);
  });
});
