/** Long enough for a scheme or an address, too short for a paragraph of instructions (T16). */
const QUOTE_CODE_POINTS_MAX = 48;

const LINE_BREAK = /\r\n?|[\v\f\u0085\u2028\u2029]/g;

/**
 * What a person cannot see but a terminal, a log or a model may act on: control, format (bidi, zero-width, tags),
 * surrogate, private and unassigned code points, and those that are drawn as nothing, such as variation selectors.
 */
const UNSEEN = /(?:(?![\n\t])[\p{C}\p{Default_Ignorable_Code_Point}])+/gu;

/** A text that has nothing to be cleaned, as most have nothing. To look at each by its properties takes 15 times as long. */
const PLAIN = /^[\t\n -~]*$/;

/**
 * Takes out of a seller's text everything that is not seen when it is shown, and keeps its lines and tabs (T16, T27).
 *
 * Line breaks become `\n`, spaces of every width become plain ones. Joiners inside emoji and some scripts are lost
 * with the rest. The result is still the seller's: data to be labelled, never instructions.
 */
export function cleanText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .replace(LINE_BREAK, '\n')
    .replace(UNSEEN, '')
    .replace(/\p{Zs}/gu, ' ');
}

/**
 * Writes out what is not seen, as `\u{202e}`, and breaks no line: for what its reader signs or accepts, so that nothing of it
 * is lost and nothing in it hides (T35).
 */
export function writeOutUnseen(text: string): string {
  return text.replace(/(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu, (char) => {
    const hex = (char.codePointAt(0) ?? 0).toString(16);
    return `\\u{${hex}}`;
  });
}

/**
 * Cleans a seller's text as {@link cleanText} does, into one line of at most `codePointsMax` code points; a longer
 * one ends in `…`.
 */
export function cleanLine(text: string, codePointsMax: number): string {
  return cutText(cleanText(text).replace(/\s+/g, ' ').trim(), codePointsMax);
}

/** A short, clean quotation of a seller's text, for a sentence of ours. */
export function quoteText(text: string): string {
  return `"${cleanLine(text, QUOTE_CODE_POINTS_MAX).replaceAll('"', "'")}"`;
}

function cutText(text: string, codePointsMax: number): string {
  if (text.length <= codePointsMax) return text;
  // Two UTF-16 units are the most a code point takes: what lies behind them need not be split.
  const codePoints = Array.from(text.slice(0, 2 * codePointsMax + 1));
  if (codePoints.length <= codePointsMax) return text;
  return `${codePoints.slice(0, codePointsMax - 1).join('')}…`;
}
