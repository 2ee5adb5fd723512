import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createNet, type Net } from '../send.js';

/** One answer of a seller that is none. */
export interface RehearsedAnswer {
  readonly status: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A place on this machine's own loopback to call, and the way to it. */
export interface RehearsedPlace {
  /** `host:port`. */
  readonly hostPort: string;
  readonly net: Net;
  close(): Promise<void>;
}

/** The longest request that is waited for to be whole, in characters: one of a rehearsal has some two thousand. */
const REQUEST_MAX = 64 * 1024;

/**
 * Opens a place on loopback that gives these answers, one to each request, so that the program which calls a seller has run once.
 * Nothing goes any further, and whoever else finds the place is told nothing that anybody could not say.
 */
export async function openRehearsedPlace(answers: readonly RehearsedAnswer[]): Promise<RehearsedPlace> {
  const left = [...answers];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let asked = '';
    socket.setEncoding('latin1').on('data', (piece) => {
      asked += String(piece);
      if (asked.length > REQUEST_MAX) return void socket.destroy();
      if (!asked.endsWith('\r\n\r\n')) return;
      asked = '';
      const answer = left.shift();
      if (answer === undefined) return void socket.destroy();
      const { status, headers, body } = answer;
      const lines = [...headers, ['content-length', String(body.length)] as const];
      const head = [`HTTP/1.1 ${status}`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
      socket.write(`${head}\r\n\r\n${body}`, 'latin1');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const hostPort = `127.0.0.1:${port}`;
  const inner = createNet({ version: 'rehearsal', allowPrivate: [hostPort], proxy: 'none' });
  return {
    hostPort,
    net: onlyTo(`http://${hostPort}`, inner),
    async close() {
      await inner.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A way to one origin alone: whatever else a rehearsal comes to, it leaves this machine with nothing. */
function onlyTo(origin: string, net: Net): Net {
  return {
    connections: net.connections,
    send: (request, options) =>
      request.url.origin === origin
        ? net.send(request, options)
        : Promise.reject(new Error('A rehearsal calls nobody.')),
    close: () => net.close(),
  };
}
