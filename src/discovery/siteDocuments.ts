/** Where a site says what it sells, the fuller document first. */
const SITE_PATHS: readonly string[] = ['/openapi.json', '/.well-known/x402', '/.well-known/x402.json'];

/** The documents to look for where a source is a bare site; empty for any other URL. */
export function siteDocuments(url: string): string[] {
  const { pathname, search, origin } = new URL(url);
  return pathname === '/' && search === '' ? SITE_PATHS.map((path) => origin + path) : [];
}
