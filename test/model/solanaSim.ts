import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { writeBase58 } from '../../src/money/base58.js';
import { readTransaction } from '../../src/protocols/solana/solanaMessage.js';
import { LIE_SEC, Refusal, type Answerer, type Mood } from './operator.js';

/** A payment as the chain comes to know it: what the payer signed, without the fee payer's signature. */
export interface SolanaTransfer {
  readonly base64: string;
  readonly blockhash: string;
  readonly memo: string;
  /** The token account that it is paid from. */
  readonly account: string;
}

interface Entry {
  readonly signature: string;
  readonly slot: number;
  readonly memo: string;
  readonly base64: string;
  readonly account: string;
  /** Null for what is no payment of ours. */
  readonly transfer: SolanaTransfer | null;
  /** Whether it made the account. */
  readonly makes?: true;
}

/** A token account that payments are made from. */
export interface SolanaAccount {
  readonly address: string;
  readonly owner: string;
  readonly mint: string;
}

interface Seen {
  readonly mood: Mood;
  readonly confirmed: number;
  readonly finalized: number;
  readonly first: number;
}

const SLOT_MS = 400;
const HISTORY_SLOTS = 3_000_000;
/** One slot in so many has no block. */
const SKIPPED_EVERY = 16;
const CONFIRMED_LAG_SLOTS = 2;
const FINALIZED_LAG_SLOTS = 32;
const BLOCKHASH_BLOCKS = 150;
const LIE_SLOTS = 5_000;
const PAGE_MAX = 1_000;
const GENESIS_HASH = '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d';

/** A key of Solana. */
export interface SimKey {
  readonly address: string;
  sign(message: Uint8Array): Uint8Array;
}

export function newKey(): SimKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const secret: KeyObject = privateKey;
  return {
    address: writeBase58(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    sign: (message) => sign(null, message, secret),
  };
}

/**
 * A cluster of Solana that knows nothing but payments, and what strangers put on the payer's account. Its slots come by
 * the true time, one every 0.4 s; one in sixteen has no block.
 */
export class SolanaSim {
  /** Who pays the fees of every payment. */
  readonly feePayer = newKey();
  readonly #nowMs: () => number;
  readonly #genesisMs: number;
  readonly #entries: Entry[] = [];
  #account: SolanaAccount | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#genesisMs = nowMs() - HISTORY_SLOTS * SLOT_MS;
  }

  /** Makes the account that is paid from: nothing of it is older. */
  makeAccount(account: SolanaAccount): void {
    this.#account = account;
    const signature = writeBase58(randomBytes(64));
    const place = { signature, slot: this.#tip, account: account.address };
    this.#entries.push({ ...place, memo: 'funds', base64: 'AAAA', transfer: null, makes: true });
  }

  get #tip(): number {
    return Math.floor((this.#nowMs() - this.#genesisMs) / SLOT_MS);
  }

  #timeOf(slot: number): number {
    return Math.floor((this.#genesisMs + slot * SLOT_MS) / 1000);
  }

  mayLand(transfer: SolanaTransfer): boolean {
    return !this.hasLanded(transfer) && this.#isAlive(transfer.blockhash, this.#tip + 1);
  }

  hasLanded(transfer: SolanaTransfer): boolean {
    return this.#entryOf(transfer) !== undefined;
  }

  landedSec(transfer: SolanaTransfer): number | null {
    const entry = this.#entryOf(transfer);
    return entry === undefined ? null : this.#timeOf(entry.slot);
  }

  isSettled(transfer: SolanaTransfer): boolean {
    const entry = this.#entryOf(transfer);
    return entry !== undefined && entry.slot <= this.#tip - FINALIZED_LAG_SLOTS;
  }

  #entryOf({ base64 }: SolanaTransfer): Entry | undefined {
    return this.#entries.find(({ transfer }) => transfer?.base64 === base64);
  }

  /** Puts a payment into the next slot; gives the time by which that is there, in ms, and null where it takes it no more. */
  land(transfer: SolanaTransfer): number | null {
    if (!this.mayLand(transfer)) return null;
    const slot = this.#tip + 1;
    const base64 = this.#signed(transfer);
    const signature = readTransaction(base64)?.id;
    if (signature === undefined) throw new Error('The payment is no transaction');
    const { memo, account } = transfer;
    this.#entries.push({ signature, slot, memo, base64, account, transfer });
    return this.#genesisMs + slot * SLOT_MS;
  }

  transactionOf(transfer: SolanaTransfer): string | null {
    return this.#entryOf(transfer)?.signature ?? null;
  }

  #signed({ base64 }: SolanaTransfer): string {
    const message = readTransaction(base64)?.message;
    if (message === undefined) throw new Error('The payment is no transaction');
    const wire = Buffer.from(base64, 'base64');
    wire.set(this.feePayer.sign(message), 1);
    return wire.toString('base64');
  }

  /** Puts entries of strangers on an account, each with the memo of a payment. */
  dust(account: string, memo: string, count: number): void {
    const slot = this.#tip;
    for (let i = 0; i < count; i++) {
      const signature = writeBase58(randomBytes(64));
      this.#entries.push({ signature, slot, memo, base64: 'AAAA', account, transfer: null });
    }
  }

  #heightOf(slot: number): number {
    return slot - Math.floor(slot / SKIPPED_EVERY);
  }

  #slotOf(blockhash: string): number {
    return this.#slots.get(blockhash) ?? Infinity;
  }

  readonly #slots = new Map<string, number>();

  #blockhashOf(slot: number): string {
    const bytes = Buffer.alloc(32, 7);
    bytes.writeUInt32BE(slot, 28);
    const blockhash = writeBase58(bytes);
    this.#slots.set(blockhash, slot);
    return blockhash;
  }

  #isAlive(blockhash: string, slot: number): boolean {
    const given = this.#slotOf(blockhash);
    return given <= slot && this.#heightOf(slot) <= this.#heightOf(given) + BLOCKHASH_BLOCKS;
  }

  readonly answer: Answerer = (method, params, mood) => {
    const tip = this.#tip - mood.lagBlocks;
    const ahead = mood.lies.includes('height') ? LIE_SLOTS : 0;
    const seen: Seen = {
      mood,
      confirmed: tip - CONFIRMED_LAG_SLOTS,
      finalized: tip - FINALIZED_LAG_SLOTS + ahead,
      first: mood.keptBlocks === null ? 0 : Math.max(0, this.#tip - mood.keptBlocks),
    };
    return this.#answer(method, params, seen);
  };

  #answer(method: string, params: readonly unknown[], seen: Seen): unknown {
    const { mood, confirmed, finalized, first } = seen;
    const [subject] = params;
    switch (method) {
      case 'getGenesisHash':
        return GENESIS_HASH;
      case 'getEpochInfo': {
        const slot = (subject as { commitment: string }).commitment === 'finalized' ? finalized : confirmed;
        return { absoluteSlot: slot, blockHeight: this.#heightOf(slot) };
      }
      case 'getLatestBlockhash':
        return {
          context: { slot: confirmed },
          value: {
            blockhash: this.#blockhashOf(confirmed),
            lastValidBlockHeight: mood.lies.includes('blockhash')
              ? 1
              : this.#heightOf(confirmed) + BLOCKHASH_BLOCKS,
          },
        };
      case 'isBlockhashValid': {
        assertReached(params[1], seen);
        const value = !mood.lies.includes('blockhash') && this.#isAlive(String(subject), confirmed);
        return { context: { slot: confirmed }, value };
      }
      case 'getTokenAccountBalance':
        return { context: { slot: confirmed }, value: { amount: '1000000000000' } };
      case 'getBlockTime':
        return this.#blockTime(Number(subject), seen);
      case 'getFirstAvailableBlock':
      case 'minimumLedgerSlot':
        // The index of an account's transactions can be shorter than what a node says that it keeps.
        return mood.silent ? 0 : first;
      case 'getSignaturesForAddress':
        return this.#touched(String(subject), params[1] as PlaceQuestion, seen);
      case 'getTransaction':
        return this.#transaction(String(subject), seen);
      default:
        throw new Refusal(`Method not found: ${method}`);
    }
  }

  #blockTime(slot: number, { mood, confirmed, first }: Seen): number | null {
    const isKnown = slot <= confirmed || mood.lies.includes('height');
    if (!isKnown || slot < first) throw new Refusal('Block not available for slot');
    return this.#timeOf(slot) + (mood.lies.includes('time') ? LIE_SEC : 0);
  }

  #shown({ mood, confirmed, first }: Seen): Entry[] {
    return this.#entries.filter(
      ({ slot, transfer }) =>
        slot <= confirmed && slot >= first && !(transfer !== null && mood.lies.includes('unused')),
    );
  }

  #touched(account: string, place: PlaceQuestion, seen: Seen): unknown[] {
    assertReached(place, seen);
    const newestFirst = this.#shown(seen)
      .filter((entry) => entry.account === account)
      .toReversed();
    const from =
      place.before === undefined
        ? 0
        : 1 + newestFirst.findIndex(({ signature }) => signature === place.before);
    if (from === 0 && place.before !== undefined) return [];
    return newestFirst
      .slice(from, from + (seen.mood.pageMax ?? PAGE_MAX))
      .map(({ signature, slot, memo }) => ({
        signature,
        slot,
        err: null,
        blockTime: this.#timeOf(slot),
        memo: `[${memo.length}] ${memo}`,
      }));
  }

  #transaction(signature: string, seen: Seen): unknown {
    const entry = this.#shown(seen).find((one) => one.signature === signature);
    if (entry === undefined) return null;
    const { slot, base64, makes } = entry;
    const { mint, owner } = this.#account ?? {};
    const held = [{ accountIndex: 1, mint, owner, uiTokenAmount: { amount: '1000000000000', decimals: 6 } }];
    return {
      slot,
      blockTime: this.#timeOf(slot),
      meta: { err: null, preTokenBalances: makes === true ? [] : held, postTokenBalances: held },
      transaction: [base64, 'base64'],
    };
  }
}

interface PlaceQuestion {
  readonly before?: string;
  readonly minContextSlot?: number;
}

function assertReached(place: unknown, { mood, confirmed }: Seen): void {
  const { minContextSlot = 0 } = (place ?? {}) as PlaceQuestion;
  if (minContextSlot > confirmed && !mood.lies.includes('height'))
    throw new Refusal('Minimum context slot has not been reached');
}
