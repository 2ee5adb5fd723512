/**
 * The parts of undici the wallet uses, by their own files: the package's entry loads fetch, WebSocket and
 * caches too, at more than twice the time. The version is pinned and bundled; the tests of header bounds fail
 * where the parser changes.
 */
declare module 'undici/lib/dispatcher/client.js' {
  import type { Client } from 'undici';

  const UndiciClient: typeof Client;
  export default UndiciClient;
}

declare module 'undici/lib/core/symbols.js' {
  import type { Socket } from 'node:net';

  const kParser: unique symbol;
  const symbols: { readonly kParser: typeof kParser };
  export default symbols;

  /** The HTTP/1.1 parser of a connection in use. */
  export interface Parser {
    headersSize: number;
    readonly headersMaxSize: number;
    trackHeader(bytes: number): void;
    /** Called with each piece of a field's name; below zero ends the parsing. */
    onHeaderField(name: Buffer): number;
  }

  export type ParsedSocket = Socket & { [kParser]?: Parser | null };
}
