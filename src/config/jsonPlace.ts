/**
 * Says on which line a text stops being JSON, and why, for the person who edited it.
 *
 * The engine gives a position for most mistakes, but none for an unexpected character: there the shortest prefix
 * that fails the same way ends with it.
 */
export function describeJsonError(text: string): string {
  const message = messageFor(text);
  if (message === undefined) return 'it is JSON';
  const given = /at position (\d+)/.exec(message)?.[1];
  const position =
    given !== undefined ? Number(given) : isUnexpected(message) ? firstUnexpected(text) : text.length;
  const line = text.slice(0, position).split('\n').length;
  const what = isUnexpected(message)
    ? 'unexpected character'
    : (/^[^(]*?(?= in JSON| \(|$)/.exec(message)?.[0] ?? message);
  return `line ${line}: ${what}`;
}

function firstUnexpected(text: string): number {
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isUnexpected(messageFor(text.slice(0, middle)) ?? '')) bad = middle;
    else good = middle;
  }
  return bad - 1;
}

function isUnexpected(message: string): boolean {
  return message.startsWith('Unexpected token');
}

function messageFor(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as SyntaxError).message;
  }
}
