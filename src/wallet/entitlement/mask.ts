import type { HeaderList } from '../../net/headers.js';
import type { HttpAnswer } from '../../net/send.js';

const STAR = '*'.charCodeAt(0);

/** An answer in which each of these texts is masked, wherever the seller repeats it: it is no agent's to read (T38). */
export function masked(answer: HttpAnswer, secrets: readonly string[]): HttpAnswer {
  const bytes = secrets.filter((secret) => secret !== '').map((secret) => Buffer.from(secret));
  return {
    ...answer,
    headers: maskedHeaders(answer.headers, secrets),
    body: maskedBody(answer.body, bytes),
    discard: () => answer.discard(),
  };
}

function maskedHeaders(headers: HeaderList, secrets: readonly string[]): HeaderList {
  const mask = (value: string): string =>
    secrets.reduce(
      (text, secret) => (secret === '' ? text : text.replaceAll(secret, '*'.repeat(secret.length))),
      value,
    );
  return headers.map(([name, value]) => [name, mask(value)]);
}

/** A secret may lie across two pieces: so much of each is held back as the beginning of one could take. */
async function* maskedBody(
  body: AsyncIterable<Uint8Array>,
  secrets: readonly Buffer[],
): AsyncIterable<Uint8Array> {
  const keep = Math.max(0, ...secrets.map(({ length }) => length - 1));
  let held = Buffer.alloc(0);
  for await (const piece of body) {
    held = Buffer.concat([held, piece]);
    for (const secret of secrets) maskIn(held, secret);
    const ready = held.length - keep;
    if (ready <= 0) continue;
    yield held.subarray(0, ready);
    held = held.subarray(ready);
  }
  if (held.length > 0) yield held;
}

function maskIn(bytes: Buffer, secret: Buffer): void {
  for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at + secret.length))
    bytes.fill(STAR, at, at + secret.length);
}
