import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { BINARY_TYPE } from '../../wallet/body/callBody.js';
import { typeOfFile } from '../../wallet/body/fileType.js';
import { spoolBody } from '../../wallet/body/spool.js';
import type { CallContent } from '../../wallet/call/request.js';
import type { CommandCall } from '../command.js';
import { walletOptions } from '../terminal/wallet.js';

/** The fields of a call that `quote` and `pay` share, as their tools take them; absent where no flag says them. */
export interface HttpCallInput {
  url?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  timeout_ms?: number;
}

/** A call by its flags, and the body that a tool's arguments do not hold: what is no text, or much of it. */
export interface HttpCall {
  readonly input: HttpCallInput;
  readonly content?: CallContent;
}

/** Reads the flags of an HTTP call. Throws `bad_input`; for a large body, what writing to the wallet's folder throws. */
export async function readHttpCall(call: CommandCall): Promise<HttpCall> {
  const { args, flags } = call;
  const input: HttpCallInput = {};
  const [url] = args;
  if (url !== undefined) input.url = url;
  const data = flags.text('data');
  const method = flags.text('method') ?? (data !== undefined && url !== undefined ? 'POST' : undefined);
  if (method !== undefined) input.method = method;
  const headers = parseHeaders(flags.list('header'));
  if (headers !== undefined) input.headers = headers;
  const timeoutMs = flags.count('timeoutMs');
  if (timeoutMs !== undefined) input.timeout_ms = timeoutMs;
  if (data === undefined) return { input };
  const body = await readBody(call, data);
  if (typeof body !== 'string') return { input, content: body };
  input.body = body;
  return { input };
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

/** The body that `--data` names: text as it is, anything else as bytes. The file is whichever the caller's shell may read. */
async function readBody(call: CommandCall, data: string): Promise<string | CallContent> {
  if (data !== '-' && !data.startsWith('@')) return data;
  const path = data === '-' ? null : data.slice(1);
  const place = { home: call.home, agent: walletOptions(call).agent ?? DEFAULT_AGENT };
  const pieces = path === null ? call.io.stdin : createReadStream(path);
  const body = await spoolBody(place, pieces as AsyncIterable<Uint8Array>).catch((error: unknown) => {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (path === null || syscall === undefined) throw error;
    throw new WalletError(
      'bad_input',
      `The body cannot be taken from ${path}: ${code ?? 'it cannot be read'}.`,
    );
  });
  const files = path === null ? [] : [{ path: resolve(path), bytes: body.length }];
  if (body.bytes !== null && isUtf8(body.bytes))
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(body.bytes);
  return { body, contentType: path === null ? BINARY_TYPE : typeOfFile(path), files };
}
