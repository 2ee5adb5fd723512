import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText } from './json.js';

describe('jsonText', () => {
  it('says the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('shows nothing that steers a terminal, whatever is in it (T27)', () => {
    const text = jsonText({ ['k\u202E']: '\u001b[2J\u009b31m\u200B\u{E0041}\u2028é😀' });
    expect(text).toMatch(/^[\n\x20-\x7Eé😀]*$/u);
    expect(text).toContain('é😀');
  });
});
