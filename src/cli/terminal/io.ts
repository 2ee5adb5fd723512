/** Where a command writes. A terminal says so by `isTTY`, and how wide and high it is. */
export interface CliOutput {
  write(chunk: string | Uint8Array): unknown;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Where a command reads what a person types or another program pipes in. */
export type CliInput = AsyncIterable<Uint8Array | string> &
  Pick<NodeJS.EventEmitter, 'on' | 'off'> & {
    pause(): unknown;
    resume(): unknown;
    readonly isTTY?: boolean;
    setRawMode?(raw: boolean): unknown;
  };

/** Everything of the process that the command line touches: `process` itself has the first five. */
export interface CliIo {
  readonly stdout: CliOutput;
  readonly stderr: CliOutput;
  readonly stdin: CliInput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly now: () => number;
  /** Version of this Purser. */
  readonly version: string;
}

/** Whether a person can be asked: questions go to stderr, so that stdout stays a command's answer. */
export function isInteractive(io: CliIo): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** Reads all of stdin as text; null where it is longer than the bound. */
export async function readStdin(io: CliIo, bytesMax: number): Promise<string | null> {
  return (await readStdinBytes(io, bytesMax))?.toString('utf8') ?? null;
}

/** Reads all of stdin; null where it is longer than the bound. */
export async function readStdinBytes(io: CliIo, bytesMax: number): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of io.stdin) {
    const buffer = Buffer.from(piece as Uint8Array);
    bytes += buffer.length;
    if (bytes > bytesMax) return null;
    pieces.push(buffer);
  }
  return Buffer.concat(pieces);
}
