import { PassThrough } from 'node:stream';
import type { CliIo } from './io.js';

/** A command line's surroundings in memory: what was written, and a stdin to type into. */
export interface FakeIo extends CliIo {
  readonly typed: PassThrough & { isTTY?: boolean; setRawMode?(raw: boolean): void };
  /** Everything written so far. */
  out(): string;
  err(): string;
  /** Each change of the terminal's raw mode. */
  readonly rawModes: boolean[];
}

/** Makes surroundings; `terminal` makes all three streams one. */
export function fakeIo(
  options: { readonly terminal?: boolean; readonly env?: Record<string, string> } = {},
): FakeIo {
  const terminal = options.terminal === true;
  const written = { out: [] as Buffer[], err: [] as Buffer[] };
  const rawModes: boolean[] = [];
  const typed: FakeIo['typed'] = new PassThrough();
  if (terminal) {
    typed.isTTY = true;
    typed.setRawMode = (raw) => void rawModes.push(raw);
  }
  const output = (name: 'out' | 'err') => ({
    write: (chunk: string | Uint8Array) => void written[name].push(Buffer.from(chunk as Uint8Array)),
    ...(terminal ? { isTTY: true, columns: 80 } : {}),
  });
  return {
    stdout: output('out'),
    stderr: output('err'),
    stdin: typed,
    typed,
    env: options.env ?? {},
    platform: 'linux',
    now: () => Date.UTC(2026, 10, 20, 12),
    version: '1.2.3',
    out: () => Buffer.concat(written.out).toString(),
    err: () => Buffer.concat(written.err).toString(),
    rawModes,
  };
}
