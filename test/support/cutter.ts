import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a server and its database, and cuts what goes through where a test says so. */
export class Cutter {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Called with each piece on its way to the database; true cuts the connection once the database has it. */
  cutsAfter: (piece: Buffer) => boolean = () => false;
  /** Whether nothing is let through, as where a network is split. */
  isSplit = false;
  /** How late answers come: as over a long way. */
  answersAfterMs = 0;
  /** The port of the database that new connections go to: a failover changes it, as a moved address does. */
  towards: number;
  readonly port: number;

  private constructor(server: Server, port: number, towards: number) {
    this.#server = server;
    this.port = port;
    this.towards = towards;
  }

  static async before(port: number): Promise<Cutter> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port');
    const cutter = new Cutter(server, address.port, port);
    server.on('connection', (near) => cutter.#join(near, connect(cutter.towards, '127.0.0.1')));
    return cutter;
  }

  /** Ends all connections at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    let isCut = false;
    near.on('data', (piece) => {
      if (this.isSplit) return;
      if (this.cutsAfter(piece)) isCut = true;
      far.write(piece);
    });
    far.on('data', (piece) => {
      // The database has answered, and nobody hears it.
      if (isCut) near.destroy();
      else if (this.isSplit) return;
      else if (this.answersAfterMs === 0) near.write(piece);
      else setTimeout(() => near.write(piece), this.answersAfterMs);
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }
}
