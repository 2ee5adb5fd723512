import type { PasskeyPlace } from '../../approvals/challenge.js';

/** An address of the owner's own that a page is reached by from elsewhere, under TLS. */
export interface OutsideAddress {
  /** Such as `https://purser.example:4403`, as a browser sends it as `Origin`. */
  readonly origin: string;
  /** The name that its passkeys are bound to. */
  readonly rpId: string;
}

/** Where a page is: at a port of this machine, or at an address of the owner's own. */
export interface PageAddress {
  readonly port: number;
  /** Null for a page that this machine alone reaches. */
  readonly outside: OutsideAddress | null;
}

/** The names under which a browser reaches the page, as its `Host` header spells them. */
export function hostsOf({ port, outside }: PageAddress): readonly string[] {
  if (outside !== null) return [new URL(outside.origin).host];
  return [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
}

/** An address of the page that anybody may see: it lets nobody in. `localhost` is the only local name that can hold a passkey. */
export function addressOf({ port, outside }: PageAddress, path: string): string {
  return `${outside?.origin ?? `http://localhost:${port}`}${path}`;
}

/** The address of a ticket: it lets in once, so it never stands in an argument list, a log or a result. */
export function ticketAddressOf(page: PageAddress, key: string): string {
  return addressOf(page, `/open/${key}`);
}

/** Where passkeys of the page work. */
export function passkeyPlaceOf({ port, outside }: PageAddress): PasskeyPlace {
  return outside ?? port;
}
