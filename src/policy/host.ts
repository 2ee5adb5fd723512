/** What an origin's default port is, where a URL leaves it out. Every other scheme was refused before. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

/**
 * The `host:port` that rules are written about: lower case, punycode, the port always there, no dot at the end.
 *
 * T11: `https://api.example.com.:443/` and `https://API.example.com/` are one host, and no rule is passed by
 * spelling it otherwise.
 */
export function hostPortOf(url: URL): string {
  const port = url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? '') : url.port;
  return `${url.hostname.replace(/\.+$/, '')}:${port}`;
}

/** The host of a {@link hostPortOf} text, without its port. */
export function hostOf(hostPort: string): string {
  return hostPort.slice(0, hostPort.lastIndexOf(':'));
}

/** The two ways the owner can name a request's place: the host, which is every port of it, or one `host:port`. */
export function namesOf(hostPort: string): readonly [host: string, hostPort: string] {
  return [hostOf(hostPort), hostPort];
}
