import type { ServerResponse } from 'node:http';
import type { Goods } from './goods.ts';

/** Writes a whole answer; a body that fails midway breaks the connection. */
export async function sendGoods(
  response: ServerResponse,
  goods: Goods,
  headers: Record<string, string> = {},
) {
  // The published middleware decides by this field, which writeHead alone would set too late for it.
  response.statusCode = goods.status;
  response.writeHead(goods.status, { ...goods.headers, ...headers });
  if (Buffer.isBuffer(goods.body)) {
    response.end(goods.body);
    return;
  }
  try {
    for await (const piece of goods.body) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
  } catch {
    response.destroy();
  }
}

/** Writes the head, the receipt and half of the body, then destroys the socket. */
export async function sendHalf(response: ServerResponse, goods: Goods, headers: Record<string, string>) {
  const body = Buffer.isBuffer(goods.body) ? goods.body : await firstPiece(goods.body);
  response.writeHead(goods.status, {
    ...goods.headers,
    ...headers,
    'content-length': String(body.length + 1),
  });
  await new Promise<void>((resolve) =>
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => resolve()),
  );
  response.destroy();
}

async function firstPiece(body: AsyncIterable<Buffer>): Promise<Buffer> {
  for await (const piece of body) return piece;
  return Buffer.alloc(0);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
