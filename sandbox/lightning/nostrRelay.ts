import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** An event as it lies on the relay. */
export interface RelayedEvent {
  readonly id: string;
  readonly pubkey: string;
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
}
type Filter = Readonly<Record<string, unknown>>;

/** A relay of Nostr on loopback. */
export interface NostrRelay {
  readonly url: string;
  /** While set, it takes no new connection. */
  setDown(isDown: boolean): void;
  /**
   * What it does with an event that it passes on, in the place of passing it on once: how long after its coming it goes out, ms,
   * for each time that it does. Null again for an honest one.
   */
  passes: ((event: RelayedEvent) => readonly number[]) | null;
  close(): Promise<void>;
}

/** Kinds of which the newest is kept; those from 20,000 on are passed on and never kept (NIP-01). */
const EPHEMERAL_FROM = 20_000;
const EPHEMERAL_TO = 30_000;

/** Starts a relay: NIP-01 as far as NIP-47 needs it, over a real socket. */
export async function startNostrRelay(): Promise<NostrRelay> {
  let isDown = false;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, verifyClient: () => !isDown });
  await new Promise<void>((resolve) => server.once('listening', () => resolve()));
  const kept: RelayedEvent[] = [];
  const subscriptions = new Map<WebSocket, Map<string, Filter[]>>();
  const timers = new Set<NodeJS.Timeout>();

  function publish(event: RelayedEvent): void {
    const text = (id: string): string => JSON.stringify(['EVENT', id, event]);
    for (const [socket, byId] of subscriptions)
      for (const [id, filters] of byId)
        if (filters.some((filter) => fits(filter, event))) socket.send(text(id));
  }

  server.on('connection', (socket) => {
    const own = new Map<string, Filter[]>();
    subscriptions.set(socket, own);
    socket.on('close', () => subscriptions.delete(socket));
    socket.on('message', (data) => {
      const [kind, first, ...rest] = JSON.parse(String(data)) as [string, unknown, ...unknown[]];
      if (kind === 'EVENT') {
        const event = first as RelayedEvent;
        if (event.kind < EPHEMERAL_FROM || event.kind >= EPHEMERAL_TO) kept.push(event);
        socket.send(JSON.stringify(['OK', event.id, true, '']));
        for (const afterMs of relay.passes?.(event) ?? [0])
          if (afterMs === 0) publish(event);
          else timers.add(setTimeout(() => publish(event), afterMs));
      } else if (kind === 'REQ') {
        const filters = rest as Filter[];
        own.set(String(first), filters);
        for (const event of kept)
          if (filters.some((filter) => fits(filter, event)))
            socket.send(JSON.stringify(['EVENT', first, event]));
        socket.send(JSON.stringify(['EOSE', first]));
      } else if (kind === 'CLOSE') own.delete(String(first));
    });
  });

  const relay: NostrRelay = {
    passes: null,
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setDown: (down) => void (isDown = down),
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        for (const socket of server.clients) socket.terminate();
        server.close(() => resolve());
      }),
  };
  return relay;
}

function fits(filter: Filter, event: RelayedEvent): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    if (name === 'kinds') return (wanted as number[]).includes(event.kind);
    if (name === 'authors') return (wanted as string[]).includes(event.pubkey);
    if (name === 'ids') return (wanted as string[]).includes(event.id);
    if (!name.startsWith('#')) return true;
    return event.tags.some(
      ([tag, value]) => tag === name.slice(1) && (wanted as string[]).includes(value ?? ''),
    );
  });
}
