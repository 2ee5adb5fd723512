import crypto, { type BinaryLike, type ScryptOptions } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Has a worker of the tests remember what scrypt came to. A guess at a passphrase is made to be dear, and tests stretch
 * the same few thousands of times: that was a third of what whole-system tests cost. Each outcome is Node's own, computed
 * once for each passphrase, salt and cost; what the product does with it, and that it asks for it, is as ever.
 */
const DONE = Symbol.for('purser tests remember scrypt');

/** What scrypt comes to for one passphrase, salt and cost, for a program that need not find out again. */
export interface Stretched {
  readonly password: string;
  /** Hex, as the key. */
  readonly salt: string;
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly key: string;
}

type Callback = (error: Error | null, key: Buffer) => void;

function nameOf(password: BinaryLike, salt: BinaryLike, length: number, cost?: ScryptOptions): string {
  const hash = crypto.createHash('sha256');
  for (const part of [password, salt]) {
    const bytes = Buffer.from(part as Buffer);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  const { N, r, p, cost: n, blockSize, parallelization } = cost ?? {};
  return hash.update(JSON.stringify([length, N ?? n, r ?? blockSize, p ?? parallelization])).digest('hex');
}

function remember(known: Map<string, Buffer>): void {
  const { scrypt, scryptSync } = crypto;
  const rememberedSync: typeof scryptSync = (password, salt, length, cost) => {
    const name = nameOf(password, salt, length, cost);
    const key = known.get(name) ?? scryptSync(password, salt, length, cost);
    known.set(name, key);
    return Buffer.from(key);
  };
  const remembered = (
    password: BinaryLike,
    salt: BinaryLike,
    length: number,
    ...rest: [Callback] | [ScryptOptions, Callback]
  ): void => {
    const [cost, callback] = rest.length === 1 ? [{}, rest[0]] : rest;
    const name = nameOf(password, salt, length, cost);
    const key = known.get(name);
    if (key !== undefined) return void setImmediate(callback, null, Buffer.from(key));
    scrypt(password, salt, length, cost, (error, made) => {
      if (error === null) known.set(name, Buffer.from(made));
      callback(error, made);
    });
  };
  Object.assign(crypto, { scrypt: remembered, scryptSync: rememberedSync });
  // What imports them by name gets these from here on.
  syncBuiltinESMExports();
}

/** What this process knows already; the first to load this begins it. */
const memory = ((): Map<string, Buffer> => {
  const here = globalThis as { [DONE]?: Map<string, Buffer> };
  if (here[DONE] === undefined) remember((here[DONE] = new Map()));
  return here[DONE];
})();

/** Takes over what another process found out. */
export function recall({ password, salt, cost, key }: Stretched): void {
  const known = Buffer.from(key, 'hex');
  memory.set(nameOf(password, Buffer.from(salt, 'hex'), known.length, cost), known);
}
