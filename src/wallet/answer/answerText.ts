import type { TextDecoder as Decoder } from 'node:util';
import { headerValue, type HeaderList } from '../../net/headers.js';

/** Types of text that do not begin with `text/`: what APIs hand over as data, and what programs are written in. */
const TEXT_TYPE =
  /^text\/|[/+.-](json|json5|jsonl|ndjson|jsonlines|json-seq|xml|yaml|csv|toml|sql|javascript|ecmascript|typescript|x-www-form-urlencoded|graphql|markdown|x-sh)\b/;

/** Types whose bytes are no text, whatever they look like in the beginning. */
const BINARY_TYPE =
  /^(image|audio|video|font|model)\/|^application\/(pdf|zip|gzip|zstd|wasm|x-(7z|tar|bzip|rar)|vnd\.(openxml|ms-|oasis|apache\.(parquet|arrow))|epub|msgpack|x-msgpack|cbor|protobuf|x-protobuf|grpc)/;

/** Control characters that no text has; those of lines and pages, and what a terminal's colours begin with, it may have. */
const NO_TEXT = /[\u0000-\u0006\u000e-\u001a\u001c-\u001f]/;

/** What an answer says it is: text, no text, or nothing that tells. */
function kindOf(headers: HeaderList): 'text' | 'binary' | 'unknown' {
  const type = typeOf(headers);
  if (TEXT_TYPE.test(type)) return 'text';
  return BINARY_TYPE.test(type) ? 'binary' : 'unknown';
}

function typeOf(headers: HeaderList): string {
  return headerValue(headers, 'content-type')?.toLowerCase().trim() ?? '';
}

/**
 * Whether an answer is text that an agent can read, by its type, or where that tells nothing (`octet-stream`, none at all)
 * by its bytes. `isCut` where these are its beginning.
 */
export function isText(headers: HeaderList, bytes: Uint8Array, isCut: boolean): boolean {
  const kind = kindOf(headers);
  if (kind !== 'unknown') return kind === 'text';
  const text = tryDecode(decoderOf(headers, bytes, true), bytes, isCut);
  return text !== null && !NO_TEXT.test(text);
}

/** Whether the whole of a small answer is text, without a byte that its encoding does not have. */
export function isWholeText(headers: HeaderList, bytes: Uint8Array): boolean {
  return isText(headers, bytes, false) && tryDecode(decoderOf(headers, bytes, true), bytes, false) !== null;
}

/** An answer's bytes as text, in the encoding that it states. */
export function decodeAnswer(headers: HeaderList, bytes: Uint8Array): string {
  return decoderOf(headers, bytes).decode(bytes);
}

/**
 * A decoder by the charset that an answer states, or by the byte order mark that it begins with; UTF-8 where it has
 * neither, or one that nobody knows.
 */
export function decoderOf(headers: HeaderList, head: Uint8Array, fatal = false): Decoder {
  const stated = /;\s*charset\s*=\s*["']?([\w.:-]{1,40})/.exec(typeOf(headers))?.[1];
  try {
    return new TextDecoder(markedBy(head) ?? stated ?? 'utf-8', { fatal });
  } catch {
    return new TextDecoder('utf-8', { fatal });
  }
}

/** The encoding that a byte order mark tells (WHATWG Encoding, "BOM sniff"): it beats the header. */
function markedBy([a, b, c]: Uint8Array): string | undefined {
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0xff && b === 0xfe ? 'utf-16le' : undefined;
}

function tryDecode(decoder: Decoder, bytes: Uint8Array, isCut: boolean): string | null {
  try {
    // Where they are cut, the last character may be cut within.
    return decoder.decode(bytes, { stream: isCut });
  } catch {
    return null;
  }
}
