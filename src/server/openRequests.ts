import type { JSONRPCMessage, RequestId, Transport } from '@modelcontextprotocol/server';

/** The requests of a connection that are not answered yet. */
export class OpenRequests {
  readonly #open = new Set<RequestId>();
  #whenNone: (() => void)[] = [];

  /** Listens in on a transport whose server has set its handlers already. */
  constructor(transport: Transport) {
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      this.#received(message);
      onmessage?.(message, extra);
    };
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      try {
        await send(message, options);
      } finally {
        if (!('method' in message)) this.#settle(message.id);
      }
    };
  }

  /** Ends when every request is answered or cancelled. */
  async none(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }

  #received(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    if ('id' in message) this.#open.add(message.id);
    // A cancelled request is answered by silence.
    else if (message.method === 'notifications/cancelled') this.#settle(message.params?.['requestId']);
  }

  #settle(id: unknown): void {
    this.#open.delete(id as RequestId);
    if (this.#open.size === 0) for (const resolve of this.#whenNone.splice(0)) resolve();
  }
}
