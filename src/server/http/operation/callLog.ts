import { chmodSync, closeSync, openSync } from 'node:fs';
import pino, { type Logger } from 'pino';
import { WalletError } from '../../../errors/walletError.js';
import type { EndedCall } from '../../../mcp/server.js';
import type { PaymentView } from '../../../wallet/answer/outcome.js';

/** Only the owner may read a log: it shows what agents buy. */
const LOG_MODE = 0o600;
/** Whatever of a request or a result a line should ever be given by mistake, these never reach it (T21). */
const SECRETS = [
  'token',
  'authorization',
  'headers',
  'body',
  'response',
  'passphrase',
  'payload',
  'signature',
];

/** Enough to find the place. */
const FAULT_FRAMES_MAX = 5;

/** A log in lines of JSON, to stderr or to a file of the owner's. Throws `bad_input` where the file cannot be written. */
export function openLog(path: string | undefined, version: string): Logger {
  const destination = path === undefined ? pino.destination({ fd: 2, sync: true }) : openFile(path);
  return pino(
    {
      base: { pid: process.pid, version },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: [...SECRETS, ...SECRETS.map((name) => `*.${name}`)], censor: '[redacted]' },
    },
    destination,
  );
}

/**
 * Has what libraries would print go to the log instead: standard error may be the log itself, in lines of JSON. Of an
 * error its name, code and place are told; its text, like any other they print, may quote anyone.
 */
export function logInsteadOfPrinting(log: Logger): void {
  const note = (...said: unknown[]): void =>
    noteFault(
      log,
      said.find((one) => one instanceof Error),
    );
  Object.assign(console, { error: note, warn: note, info: note, log: note, debug: note });
}

/** A line for a fault that no call's outcome tells of. */
export function noteFault(log: Logger, error: unknown): void {
  const { name, code, stack = '' } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  const at = stack
    .split('\n')
    .filter((line) => /^ +at /.test(line))
    .slice(0, FAULT_FRAMES_MAX);
  log.warn({ error: name ?? typeof error, code, at: at.map((line) => line.trim()) }, 'fault');
}

function openFile(path: string): pino.DestinationStream {
  try {
    closeSync(openSync(path, 'a', LOG_MODE));
    chmodSync(path, LOG_MODE);
    return pino.destination({ dest: path, append: true, sync: true });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    throw new WalletError('bad_input', `--log-file ${path} cannot be written: ${why}.`);
  }
}

/**
 * One line for a call that has ended: who, what, how, for how much and how long. `call_id` is the journal's; neither
 * URLs, which may hold secrets, nor anything a seller wrote is told.
 */
export function logCall(log: Logger, agent: string, { tool, callId, outcome, tookMs }: EndedCall): void {
  const payment = outcome['payment'] as PaymentView | null | undefined;
  const line = {
    call_id: callId,
    agent,
    tool,
    status: outcome.status,
    code: outcome.code,
    money: outcome.money,
    spent_usd: outcome.spent_usd,
    payment_id: payment?.id,
    ms: Math.round(tookMs),
  };
  const isTrouble = outcome.status === 'failed' || outcome.status === 'unknown';
  log[isTrouble ? 'warn' : 'info'](line, 'call');
}
