import type { JSONRPCMessage, RequestId, Transport } from '@modelcontextprotocol/server';

/** The requests of a connection that are not answered yet. */
export class OpenRequests {
  readonly #open = new Map<RequestId, string>();
  #whenNone: (() => void)[] = [];
  readonly #whenAnswered = new Map<string, () => void>();

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

  /** Calls back once, behind the first answer to a request of this method. */
  onceAnswered(method: string, listener: () => void): void {
    this.#whenAnswered.set(method, listener);
  }

  /** Ends when every request is answered or cancelled. */
  async none(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve));
  }

  #received(message: JSONRPCMessage): void {
    if (!('method' in message)) return;
    if ('id' in message) this.#open.set(message.id, message.method);
    // A cancelled request is answered by silence.
    else if (message.method === 'notifications/cancelled') this.#settle(message.params?.['requestId']);
  }

  #settle(id: unknown): void {
    const method = this.#open.get(id as RequestId) ?? '';
    this.#open.delete(id as RequestId);
    const listener = this.#whenAnswered.get(method);
    this.#whenAnswered.delete(method);
    listener?.();
    if (this.#open.size === 0) for (const resolve of this.#whenNone.splice(0)) resolve();
  }
}
