/** What is still on its way to a terminal or a pipe arrives meanwhile. */
const LINGER_MS = 1_000;

/**
 * Ends the process though something is left that keeps it alive, such as a collector of traces that goes on answering. Where
 * nothing is, it has ended before.
 */
export function endSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
