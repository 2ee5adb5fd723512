import { createHash } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import { REQUEST_BODY_BYTES_MAX } from '../../net/send.js';
import { MEMORY_BYTES_MAX } from './callBody.js';
import type { BodyFile } from './bodyFile.js';
import { tooLarge } from './spool.js';
import { typeOfFile } from './fileType.js';

/** A field of a form: a text, or a file whose bytes are at hand or are read as it is sent. */
export interface FormPart {
  readonly name: string;
  readonly content: string | { readonly bytes: Uint8Array } | { readonly file: BodyFile };
  readonly filename?: string | undefined;
  readonly type?: string | undefined;
}

/** What a seller's form has at the most, many times over. */
export const FORM_PARTS_MAX = 100;

/** A form's bytes, which are the same for the same parts, and their content type. */
export interface EncodedForm {
  readonly contentType: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** A form as a query string, as in `application/x-www-form-urlencoded`. Throws `bad_input` for a file. */
export function encodeUrlForm(parts: readonly FormPart[]): string {
  const fields = parts.map(({ name, content }): [string, string] => {
    if (typeof content === 'string') return [name, content];
    throw new WalletError(
      'bad_input',
      'A form with a file in it is sent as multipart/form-data: leave content-type out.',
    );
  });
  return new URLSearchParams(fields).toString();
}

/**
 * A form as `multipart/form-data` (RFC 7578). The boundary is a keyed hash of all that is between: the same form is the
 * same request, and nobody can put a boundary into a file, and with it fields of their own.
 *
 * Throws `bad_input` for a form that is too large, and while it is read for a file that changes.
 */
export async function encodeForm(
  parts: readonly FormPart[],
  keyedHash: (text: string) => string,
): Promise<EncodedForm> {
  const known = [];
  let length = 0;
  for (const part of parts) {
    const { content } = part;
    length += lengthOf(content);
    if (length > REQUEST_BODY_BYTES_MAX) throw tooLarge();
    known.push({ ...part, sha256: await hashOf(content) });
  }
  const identity = known.map(({ name, filename, type, sha256 }) => [name, filename, type, sha256]);
  const boundary = `purser-${keyedHash(JSON.stringify(['form', identity])).slice(0, BOUNDARY_HEX)}`;
  return { contentType: `multipart/form-data; boundary=${boundary}`, pieces: piecesOf(known, boundary) };
}

/** 128 bits: no content holds them by accident. */
const BOUNDARY_HEX = 32;

async function* piecesOf(
  parts: readonly (FormPart & { readonly sha256: string })[],
  boundary: string,
): AsyncGenerator<Uint8Array, void> {
  for (const { sha256, ...part } of parts) {
    yield Buffer.from(`--${boundary}\r\n${headOf(part)}\r\n\r\n`);
    const found = createHash('sha256');
    for await (const piece of bytesOf(part.content)) {
      found.update(piece);
      yield piece;
    }
    if (found.digest('hex') !== sha256)
      throw new WalletError('bad_input', 'A file of the form changed while it was read; nothing was sent.', {
        retry: 'same_call',
      });
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

function headOf({ name, content, filename, type }: FormPart): string {
  const lines = [`content-disposition: form-data; name="${quoted(name)}"`];
  if (typeof content !== 'string') {
    const shown = filename ?? ('file' in content ? content.file.name : 'file');
    lines[0] += `; filename="${quoted(shown)}"`;
    lines.push(`content-type: ${type ?? typeOfFile(shown)}`);
  } else if (type !== undefined) lines.push(`content-type: ${type}`);
  return lines.join('\r\n');
}

/** As browsers write names (HTML, "multipart/form-data encoding algorithm"): no line of a head can be added by one. */
function quoted(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function lengthOf(content: FormPart['content']): number {
  if (typeof content === 'string') return Buffer.byteLength(content);
  return 'bytes' in content ? content.bytes.length : content.file.length;
}

async function* bytesOf(content: FormPart['content']): AsyncGenerator<Uint8Array, void> {
  if (typeof content === 'string') yield Buffer.from(content);
  else if ('bytes' in content) yield* slicesOf(content.bytes);
  else yield* content.file.read();
}

/** In pieces: what is in memory already is not taken there whole once more. */
function* slicesOf(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += MEMORY_BYTES_MAX) yield bytes.subarray(at, at + MEMORY_BYTES_MAX);
}

async function hashOf(content: FormPart['content']): Promise<string> {
  const found = createHash('sha256');
  for await (const piece of bytesOf(content)) found.update(piece);
  return found.digest('hex');
}
