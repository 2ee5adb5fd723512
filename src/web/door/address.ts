/** The names under which a browser on this machine reaches the page, as its `Host` header spells them. */
export function hostsOf(port: number): readonly string[] {
  return [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
}

/** An address of the page that anybody may see: it asks for the code. `localhost` is the only name that can hold a passkey. */
export function addressOf(port: number, path: string): string {
  return `http://localhost:${port}${path}`;
}

/** The address of a ticket: it lets in once, so it never stands in an argument list, a log or a result. */
export function ticketAddressOf(port: number, key: string): string {
  return addressOf(port, `/open/${key}`);
}
