import { createHash, randomBytes } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import { getBase58Decoder, getBase58Encoder, type Address, type Signature } from '@solana/kit';

/** A blockhash can be used in so many blocks after its own. */
export const BLOCKHASH_LIFE = 150;
/** `finalized` is so many blocks behind, instead of 32. */
const FINALITY_LAG = 2;
/** Slots run ahead of block heights on every real chain, so whoever mixes them up is found out. */
const SLOTS_AHEAD = 1_000;
const SLOT_MS = 400;
/** Transactions that come faster share a block, or a burst of them would outlive a blockhash in seconds. */
const BLOCK_MS_MIN = 100;
/** A hash ends with its height, so that a month of blocks need not be kept. */
const HASH_BYTES = 32;
const HEIGHT_BYTES = 6;

export type Commitment = 'processed' | 'confirmed' | 'finalized';

/** A token account in a transaction, as a node lists it. */
export interface TokenBalance {
  accountIndex: number;
  mint: string;
  owner: string;
  uiTokenAmount: { amount: string; decimals: number };
}

/** A transaction that landed, whether or not it succeeded. */
export interface Landed {
  signature: Signature;
  height: number;
  timeSec: number;
  /** As on the wire. */
  bytes: Uint8Array;
  messageBytes: Uint8Array;
  accounts: readonly Address[];
  memo: string | null;
  before: TokenBalance[];
  after: TokenBalance[];
  err: unknown;
}

/** Heights, hashes and times, which litesvm has none of: a block for each transaction, or for a burst of them, and as many as a test asks for. */
export class Blocks {
  readonly #seed = randomBytes(16).toString('hex');
  /** Blocks that were mined at once share their time, in seconds; `from` is the height of the first. */
  readonly #times: { readonly from: number; readonly timeSec: number }[] = [];
  readonly #bySignature = new Map<string, Landed>();
  readonly landed: Landed[] = [];
  #height = 0;
  readonly #clock: SandboxClock;
  #lastMs = -Infinity;

  constructor(clock: SandboxClock) {
    this.#clock = clock;
    this.mine(FINALITY_LAG + 1);
  }

  height(commitment: Commitment = 'finalized'): number {
    return commitment === 'finalized' ? this.#height - FINALITY_LAG : this.#height;
  }

  slot(commitment?: Commitment): number {
    return slotOf(this.height(commitment));
  }

  nowSec(): number {
    return Math.floor((Date.now() + this.#clock.aheadMs('solana')) / 1000);
  }

  mine(blocks: number): void {
    this.#times.push({ from: this.#height + 1, timeSec: this.nowSec() });
    this.#height += blocks;
  }

  /** Mines until the newest transaction is finalized. */
  finalize(): void {
    const missing = (this.landed.at(-1)?.height ?? 0) - this.height('finalized');
    if (missing > 0) this.mine(missing);
  }

  /** Time of the block in a slot; undefined where there is none. */
  timeOf(slot: number): number | undefined {
    const height = slot - SLOTS_AHEAD;
    if (height > this.#height) return undefined;
    return this.#times.findLast(({ from }) => from <= height)?.timeSec;
  }

  /** Height of the block whose hash this is; undefined where it is no hash of this chain. */
  heightOf(blockhash: string): number | undefined {
    const bytes = readHash(blockhash);
    if (bytes === null) return undefined;
    const height = bytes.readUIntBE(HASH_BYTES - HEIGHT_BYTES, HEIGHT_BYTES);
    return height >= 1 && height <= this.#height && this.hashAt(height) === blockhash ? height : undefined;
  }

  /** Moves the clock ahead, and mines as many blocks as come in that time. */
  increaseTime(seconds: number): void {
    this.#clock.moveTo('solana', this.#clock.aheadMs('solana') + seconds * 1000);
    this.mine(Math.ceil((seconds * 1000) / SLOT_MS));
  }

  hashAt(height: number): string {
    const bytes = createHash('sha256').update(`${this.#seed} ${height}`).digest();
    bytes.writeUIntBE(height, HASH_BYTES - HEIGHT_BYTES, HEIGHT_BYTES);
    return getBase58Decoder().decode(bytes);
  }

  /** The highest block that a transaction with this blockhash may follow; undefined where it is no hash of this chain. */
  lastFor(blockhash: string): number | undefined {
    const at = this.heightOf(blockhash);
    return at === undefined ? undefined : at + BLOCKHASH_LIFE;
  }

  /** Whether a transaction with this blockhash may land in the next block after `commitment`. */
  isValid(blockhash: string, commitment?: Commitment): boolean {
    const last = this.lastFor(blockhash);
    return last !== undefined && this.height(commitment) <= last;
  }

  add(transaction: Omit<Landed, 'height' | 'timeSec'>): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs >= BLOCK_MS_MIN) {
      this.mine(1);
      this.#lastMs = nowMs;
    }
    const landed = { ...transaction, height: this.#height, timeSec: this.nowSec() };
    this.landed.push(landed);
    this.#bySignature.set(landed.signature, landed);
  }

  find(signature: string, commitment: Commitment = 'finalized'): Landed | undefined {
    const found = this.#bySignature.get(signature);
    return found !== undefined && found.height <= this.height(commitment) ? found : undefined;
  }
}

/** The bytes of a blockhash; null for what is none. */
function readHash(blockhash: string): Buffer | null {
  try {
    const bytes = Buffer.from(getBase58Encoder().encode(blockhash));
    return bytes.length === HASH_BYTES ? bytes : null;
  } catch {
    return null;
  }
}

export function slotOf(height: number): number {
  return height + SLOTS_AHEAD;
}
