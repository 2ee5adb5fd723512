/** The part of ws that the relay uses; the package ships no types of its own. */
declare module 'ws' {
  import type { AddressInfo } from 'node:net';

  export interface WebSocket {
    send(text: string): void;
    terminate(): void;
    on(event: 'message', listener: (data: Buffer) => void): this;
    on(event: 'close', listener: () => void): this;
  }
  export class WebSocketServer {
    constructor(options: {
      readonly host: string;
      readonly port: number;
      readonly verifyClient: () => boolean;
    });
    readonly clients: ReadonlySet<WebSocket>;
    address(): AddressInfo;
    once(event: 'listening', listener: () => void): this;
    on(event: 'connection', listener: (socket: WebSocket) => void): this;
    close(done: () => void): void;
  }
}
