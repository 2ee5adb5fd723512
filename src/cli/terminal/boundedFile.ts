import { createReadStream } from 'node:fs';

/**
 * Reads a file, or whatever a path such as `/dev/stdin` or a shell's `<(…)` hands over, up to a bound; null where
 * there is more. Throws the errors of the file system.
 */
export async function readBounded(path: string, bytesMax: number): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // No position is given: a pipe has none.
  for await (const piece of createReadStream(path)) {
    pieces.push(piece as Buffer);
    bytes += (piece as Buffer).length;
    if (bytes > bytesMax) return null;
  }
  return Buffer.concat(pieces);
}
