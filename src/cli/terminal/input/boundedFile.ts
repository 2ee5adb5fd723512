import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/** A file as it was read. */
export interface BoundedFile {
  /** Null where there is more than the bound. */
  readonly bytes: Buffer | null;
  /** Of the very file that was read: a moment later the path may lead elsewhere. */
  readonly stats: Stats;
}

/**
 * Reads a file, or whatever a path such as `/dev/stdin` or a shell's `<(…)` hands over, up to a bound. Throws the
 * errors of the file system.
 */
export async function readBounded(path: string, bytesMax: number): Promise<BoundedFile> {
  const file = await open(path, 'r');
  try {
    const stats = await file.stat();
    const pieces: Buffer[] = [];
    let length = 0;
    // No position is given: a pipe has none.
    for await (const piece of file.createReadStream({ autoClose: false })) {
      pieces.push(piece as Buffer);
      length += (piece as Buffer).length;
      if (length > bytesMax) return { bytes: null, stats };
    }
    return { bytes: Buffer.concat(pieces), stats };
  } finally {
    await file.close();
  }
}
