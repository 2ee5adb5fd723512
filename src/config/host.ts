/** Names and addresses that a rule can be about, once the URL parser has written them its way. */
const PLAIN_HOST = /^[a-z0-9._-]+$|^\[[0-9a-f:.]+\]$/;
const HOST_AND_PORT = /^([^\s/?#@\\%*:]+|\[[^\s/?#@\\%*\]]+\])(?::(\d{1,5}))?$/;
const PORT_MAX = 65_535;

/**
 * Writes a host the one way that rules compare: lower case, punycode, no dot at the end, `host` or `host:port`.
 *
 * T11: undefined for anything that is not exactly one host: a URL, a path, userinfo, a wildcard, a percent sign.
 */
export function parseHost(text: string): string | undefined {
  const [, name, port] = HOST_AND_PORT.exec(text) ?? [];
  if (name === undefined) return undefined;
  if (port !== undefined && (Number(port) < 1 || Number(port) > PORT_MAX)) return undefined;
  let url: URL;
  try {
    url = new URL(`https://${name}/`);
  } catch {
    return undefined;
  }
  const host = url.hostname.replace(/\.+$/, '');
  if (!PLAIN_HOST.test(host)) return undefined;
  return port === undefined ? host : `${host}:${Number(port)}`;
}

/** True for an address of this very machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
