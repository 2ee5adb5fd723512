/** The names under which a browser on this machine reaches the page, as its `Host` header spells them. */
export function hostsOf(port: number): readonly string[] {
  return [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
}

/** The address to hand to the owner: the only name of them that can hold a passkey. */
export function addressOf(port: number, path: string, key: string): string {
  return `http://localhost:${port}${path}?key=${key}`;
}
