import { isJsonObject, parseJson, statedField, statedText, type JsonValue } from '../../text/json.js';
import { LightningFault } from './backend.js';
import { isSigned, type NostrEvent } from './nostrCrypt.js';

const CONNECT_MS_MAX = 5_000;
/** An answer of a wallet has some kilobytes, a list of payments some hundred. */
const MESSAGE_CHARS_MAX = 1_048_576;

/** One connection to a relay of Nostr, for one question: relays are far cheaper than a socket that keeps a process alive. */
export class RelayConnection {
  readonly host: string;
  readonly #socket: WebSocket;
  readonly #listeners = new Set<(message: readonly JsonValue[]) => void>();
  readonly #ends = new Set<() => void>();

  private constructor(host: string, socket: WebSocket) {
    this.host = host;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string' || data.length > MESSAGE_CHARS_MAX) return this.close();
      const message = parseJson(data);
      if (Array.isArray(message)) for (const listener of [...this.#listeners]) listener(message);
    });
    const end = (): void => {
      for (const listener of [...this.#ends]) listener();
    };
    socket.addEventListener('close', end);
    socket.addEventListener('error', end);
  }

  /** Connects. Throws `LightningFault`: nothing was asked then. */
  static async open(url: string, signal: AbortSignal | undefined): Promise<RelayConnection> {
    const { host } = new URL(url);
    const socket = new WebSocket(url);
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (what: string) => (): void => reject(new LightningFault(`${host} ${what}`, false));
        const timer = setTimeout(fail('did not answer in time'), CONNECT_MS_MAX);
        const giveUp = fail('was not waited for');
        signal?.addEventListener('abort', giveUp, { once: true });
        if (signal?.aborted === true) giveUp();
        socket.addEventListener('open', () => resolve(), { once: true });
        socket.addEventListener('error', fail('cannot be reached'), { once: true });
        socket.addEventListener('close', fail('cannot be reached'), { once: true });
        const settle = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
        };
        socket.addEventListener('open', settle, { once: true });
        socket.addEventListener('close', settle, { once: true });
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    return new RelayConnection(host, socket);
  }

  /**
   * Asks for events, sends one where given, and waits for the first that `pick` takes: a value, or null where the relay has no
   * more that are stored. Throws `LightningFault`, which may have left once something was sent.
   */
  async first<T>(
    filter: Readonly<Record<string, unknown>>,
    parts: {
      readonly send?: NostrEvent;
      readonly untilStored?: boolean;
      readonly signal: AbortSignal;
      readonly pick: (event: NostrEvent) => T | undefined;
    },
  ): Promise<T | null> {
    const { send, signal, pick } = parts;
    const mayHaveLeft = send !== undefined;
    const id = crypto.randomUUID();
    let stop = (): void => undefined;
    try {
      return await new Promise<T | null>((resolve, reject) => {
        const fail = (what: string) => (): void =>
          reject(new LightningFault(`${this.host} ${what}`, mayHaveLeft));
        const listener = (message: readonly JsonValue[]): void => {
          const [kind, about] = message;
          if (kind === 'OK' && about === send?.id && message[2] !== true)
            fail('did not pass the request on')();
          if (about !== id) return;
          if (kind === 'CLOSED') fail('closed the subscription')();
          if (kind === 'EOSE' && parts.untilStored === true) resolve(null);
          if (kind !== 'EVENT') return;
          const event = readEvent(message[2]);
          const picked = event === null ? undefined : pick(event);
          if (picked !== undefined) resolve(picked);
        };
        const ended = fail('closed the connection');
        const late = fail('brought no answer in time');
        this.#listeners.add(listener);
        this.#ends.add(ended);
        signal.addEventListener('abort', late, { once: true });
        stop = () => {
          this.#listeners.delete(listener);
          this.#ends.delete(ended);
          signal.removeEventListener('abort', late);
        };
        if (this.#socket.readyState !== WebSocket.OPEN) ended();
        if (signal.aborted) late();
        this.#socket.send(JSON.stringify(['REQ', id, filter]));
        if (send !== undefined) this.#socket.send(JSON.stringify(['EVENT', send]));
      });
    } finally {
      stop();
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** An event whose author signed it; null for anything else. */
function readEvent(given: JsonValue | undefined): NostrEvent | null {
  if (!isJsonObject(given)) return null;
  const [id, pubkey, content, sig] = ['id', 'pubkey', 'content', 'sig'].map(
    (name) => statedText(given, name) ?? '',
  ) as [string, string, string, string];
  const [created, kind, tags] = ['created_at', 'kind', 'tags'].map((name) => statedField(given, name));
  if (typeof created !== 'number' || typeof kind !== 'number' || !Array.isArray(tags)) return null;
  if (!tags.every((tag) => Array.isArray(tag) && tag.every((item) => typeof item === 'string'))) return null;
  const event = { id, pubkey, content, sig, kind, created_at: created, tags: tags as string[][] };
  return isSigned(event) ? event : null;
}
