import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dateAnswer } from './clock.ts';

/** Longer than any test: a server that closes idle sockets races with the client that is about to reuse one. */
const KEEP_ALIVE_MS = 120_000;

/** An HTTP server on a free port of 127.0.0.1. */
export interface LocalServer {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  url: string;
  /** `127.0.0.1:PORT`, as `net.allow_private` wants it. */
  hostPort: string;
  /** Stops listening and destroys every open socket, hung requests included. */
  close(): Promise<void>;
}

/** Starts `listener` on a free port of 127.0.0.1; its answers are dated by `now`, the machine's time unless given. */
export async function listenLocal(
  listener: RequestListener,
  now: () => number | null = Date.now,
): Promise<LocalServer> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    dateAnswer(response, now());
    return listener(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    hostPort: `127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
