import type { IncomingMessage, ServerResponse } from 'node:http';

/** Far above any request that the sandbox's own services take. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Reads a whole request body. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new RangeError(`Body above ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Answers with a JSON value; bigints become decimal text. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? String(part) : part,
  );
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text);
}
