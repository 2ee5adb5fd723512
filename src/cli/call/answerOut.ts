import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Engine } from '../../wallet/engine.js';
import type { Outcome, ResponseView } from '../../wallet/answer/outcome.js';
import { cleanText } from '../../text/untrusted.js';
import type { CliIo } from '../terminal/io.js';
import { printLines } from '../terminal/output/show.js';

/** An answer as text for a terminal: cleaned (T27), with a line end. */
export function answerText({ body, head }: ResponseView): string {
  const value = body ?? head ?? '';
  const text = typeof value === 'string' ? cleanText(value) : JSON.stringify(value, undefined, 2);
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/**
 * Writes an answer to stdout: to a pipe or file byte for byte as the seller sent it, to a terminal as cleaned text.
 * A large or binary answer is not poured over a terminal; stderr says where it is.
 */
export async function writeAnswer(io: CliIo, engine: Engine, outcome: Outcome): Promise<void> {
  const { response, payment } = outcome;
  if (response === null) return;
  if (io.stdout.isTTY === true) {
    io.stdout.write(answerText(response));
    if (response.path !== undefined)
      printLines(io.stderr, [`The whole answer, ${response.bytes} bytes, is in ${response.path}`]);
    return;
  }
  if (response.path !== undefined && (await stat(response.path).catch(() => null)) !== null) {
    for await (const piece of createReadStream(response.path)) io.stdout.write(piece as Uint8Array);
    return;
  }
  const stored =
    payment === null ? null : await engine.ledger.findAnswer(engine.agent, { paymentId: payment.id });
  io.stdout.write(stored?.body ?? answerText(response));
}
