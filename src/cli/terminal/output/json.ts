/** What a terminal, a log or a reader acts on and nobody sees; the surrogates of a pair stay what they are. */
const UNSEEN = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A value as JSON text that a terminal shows as it is: control, bidi and zero-width characters are escaped, so the
 * value is the same and nothing in it steers the screen (T27).
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(UNSEEN, (char) =>
    Array.from(
      { length: char.length },
      (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
