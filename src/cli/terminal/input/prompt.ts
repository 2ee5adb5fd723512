import { StringDecoder } from 'node:string_decoder';
import { WalletError } from '../../../errors/walletError.js';
import type { CliInput, CliIo } from '../io.js';

/** No answer a person types is longer: a phrase of 24 words has at most 215 characters. */
const ANSWER_CHARS_MAX = 2000;

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
/** What arrow and function keys send: no part of an answer. */
const KEY_SEQUENCE = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])/g;
/** The beginning of such a sequence, whose rest is still to come. */
const KEY_SEQUENCE_BEGUN = /\u001b(?:\[[0-9;]*|O)?$/;

/** What was typed or pasted behind the end of a line: it answers the next question. */
const typedAhead = new WeakMap<CliInput, string>();

/** Asks for one line and shows what is typed. Null where the input ends. */
export function askLine(io: CliIo, question: string): Promise<string | null> {
  return ask(io, question, true);
}

/** Asks for one line and shows nothing of it: for passphrases and phrases. Null where the input ends. */
export function askHidden(io: CliIo, question: string): Promise<string | null> {
  return ask(io, question, false);
}

/** Asks a question that is answered by yes or no; anything but yes is no. */
export async function askYes(io: CliIo, question: string): Promise<boolean> {
  const answer = await askLine(io, `${question} [y/N] `);
  return /^(y|yes)$/i.test((answer ?? '').trim());
}

/** Asks a question that is answered by Enter for yes, or by no. The end of the input is no. */
export async function askUnlessNo(io: CliIo, question: string): Promise<boolean> {
  const answer = await askLine(io, `${question} [Y/n] `);
  return answer !== null && /^(y|yes|)$/i.test(answer.trim());
}

/**
 * Asks on a terminal. The terminal is in raw mode while it waits, so that it echoes nothing by itself.
 *
 * Throws `cancelled` on Ctrl-C.
 */
async function ask(io: CliIo, question: string, shown: boolean): Promise<string | null> {
  const { stdin, stderr } = io;
  // Before the question: a fast hand must not see its passphrase echoed by the terminal.
  stdin.setRawMode?.(true);
  stderr.write(question);
  try {
    const line = await readLine(stdin, (echo) => {
      if (shown) stderr.write(echo);
    });
    stderr.write('\n');
    return line;
  } catch (error) {
    stderr.write('\n');
    throw error;
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
  }
}

function readLine(stdin: CliInput, echo: (text: string) => void): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let line = '';
    let begun = '';
    const end = (finish: () => void): void => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      finish();
    };
    const onEnd = (): void => end(() => resolve(null));
    const onData = (chunk: Uint8Array | string): void =>
      take(typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)));
    const take = (piece: string): void => {
      const text = (begun + piece).replace(KEY_SEQUENCE, '');
      begun = KEY_SEQUENCE_BEGUN.exec(text)?.[0] ?? '';
      const chars = Array.from(text.slice(0, text.length - begun.length));
      for (const [i, char] of chars.entries()) {
        if (char === '\r' || char === '\n') {
          const rest = chars.slice(i + 1).join('');
          typedAhead.set(stdin, char === '\r' ? rest.replace(/^\n/, '') : rest);
          return end(() => resolve(line));
        }
        if (char === CTRL_C) {
          return end(() => reject(new WalletError('cancelled', 'Cancelled; nothing was changed.')));
        }
        if (char === CTRL_D && line === '') return end(() => resolve(null));
        line = edited(line, char, echo);
      }
    };
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    const ahead = typedAhead.get(stdin) ?? '';
    typedAhead.delete(stdin);
    take(ahead);
    stdin.resume();
  });
}

function edited(line: string, char: string, echo: (text: string) => void): string {
  const chars = Array.from(line);
  if (char === '\u007f' || char === '\b') {
    if (chars.length > 0) echo('\b \b');
    return chars.slice(0, -1).join('');
  }
  if (char === CTRL_U) {
    echo('\b \b'.repeat(chars.length));
    return '';
  }
  if (/[\p{Cc}]/u.test(char) || chars.length >= ANSWER_CHARS_MAX) return line;
  echo(char);
  return line + char;
}
