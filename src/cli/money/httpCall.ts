import { WalletError } from '../../errors/walletError.js';
import { readBounded } from '../terminal/input/boundedFile.js';
import type { CommandCall } from '../command.js';
import { readStdin, type CliIo } from '../terminal/io.js';

/** The engine takes a mebibyte, and says so itself of a body a little longer. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** The fields of a call that `quote` and `pay` share, as their tools take them; absent where no flag says them. */
export interface HttpCallInput {
  url?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  timeout_ms?: number;
}

/** Reads the flags of an HTTP call. Throws `bad_input`. */
export async function httpCallInput({ io, args, flags }: CommandCall): Promise<HttpCallInput> {
  const input: HttpCallInput = {};
  const [url] = args;
  if (url !== undefined) input.url = url;
  const data = flags.text('data');
  const method = flags.text('method') ?? (data !== undefined && url !== undefined ? 'POST' : undefined);
  if (method !== undefined) input.method = method;
  const headers = parseHeaders(flags.list('header'));
  if (headers !== undefined) input.headers = headers;
  if (data !== undefined) input.body = await readBody(io, data);
  const timeoutMs = flags.count('timeoutMs');
  if (timeoutMs !== undefined) input.timeout_ms = timeoutMs;
  return input;
}

function parseHeaders(lines: readonly string[]): Record<string, string> | undefined {
  if (lines.length === 0) return undefined;
  const headers: Record<string, string> = {};
  const seen = new Set<string>();
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      // The line itself may hold a credential, so it is not repeated (T21).
      throw new WalletError('bad_input', `A header is given as 'Name: value'.`);
    }
    if (seen.has(name.toLowerCase()))
      throw new WalletError('bad_input', `The header ${name} is given twice.`);
    seen.add(name.toLowerCase());
    headers[name] = value;
  }
  return headers;
}

async function readBody(io: CliIo, data: string): Promise<string> {
  if (data === '-') {
    const text = await readStdin(io, BODY_BYTES_MAX);
    if (text === null) throw new WalletError('bad_input', 'Standard input is larger than a body may be.');
    return text;
  }
  return data.startsWith('@') ? readBodyFile(data.slice(1)) : data;
}

async function readBodyFile(path: string): Promise<string> {
  const { bytes } = await readBounded(path, BODY_BYTES_MAX).catch((error: unknown) => {
    throw noBody(path, (error as NodeJS.ErrnoException).code ?? 'it cannot be read');
  });
  if (bytes === null) throw noBody(path, 'it is larger than a body may be');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw noBody(path, 'it is not UTF-8 text');
  }
}

function noBody(path: string, why: string): WalletError {
  return new WalletError('bad_input', `The body cannot be taken from ${path}: ${why}.`);
}
