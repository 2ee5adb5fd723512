import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A link to a port of this machine that takes a time each way, as one between two places does. */
export interface SlowLink extends AsyncDisposable {
  readonly port: number;
}

/** Opens one; `eachWayMs` is what a packet is on its way. */
export async function openSlowLink(toPort: number, eachWayMs: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: toPort, noDelay: true });
    carry(near, far, eachWayMs);
    carry(far, near, eachWayMs);
    for (const socket of [near, far]) sockets.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** In order, for timers of one length fire in the order in which they were set. */
function carry(from: Socket, to: Socket, ms: number): void {
  from.on('data', (bytes) => setTimeout(() => to.write(bytes), ms));
  from.on('close', () => setTimeout(() => to.destroy(), ms));
  from.on('error', () => undefined);
}
