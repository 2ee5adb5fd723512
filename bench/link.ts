import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server of this machine on which every byte is late. */
export interface Link {
  readonly url: string;
  /** As `net.allow_private` wants it. */
  readonly hostPort: string;
  close(): Promise<void>;
}

/** Starts a relay to a server, each piece late by `delayMs` on its way there and on its way back. Opening a connection is not late. */
export async function startLink(to: URL, delayMs: number): Promise<Link> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const late = (from: Socket, into: Socket): void => {
    from.on('data', (piece) => setTimeout(() => into.writable && into.write(piece), delayMs));
    from.on('end', () => setTimeout(() => into.end(), delayMs));
    from.on('close', () => setTimeout(() => into.destroy(), delayMs));
  };
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname);
    for (const socket of [near, far]) keep(socket);
    late(near, far);
    late(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    hostPort: `127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
