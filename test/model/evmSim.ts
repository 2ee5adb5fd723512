import { createHash } from 'node:crypto';
import { toEventSelector, toFunctionSelector } from 'viem';
import { PERMIT2_SPENDERS } from '../../src/money/permit2.js';
import { LIE_SEC, Refusal, type Answerer, type Mood } from './operator.js';

/** A payment as the chain comes to know it: the fields that the payer signed. */
export interface EvmAuthorization {
  readonly nonce: string;
  readonly from: string;
  readonly to: string;
  /** What it moves where it lands: under a ceiling, what its seller charges. */
  readonly value: bigint;
  readonly validBeforeSec: number;
  /** The contract that uses it, where it is signed for Permit2; null where the token itself does. */
  readonly spender: string | null;
}

interface Landing {
  readonly authorization: EvmAuthorization;
  readonly block: number;
}

interface Seen {
  readonly mood: Mood;
  /** The newest block that the operator shows, and the newest that is settled. */
  readonly tip: number;
  readonly safe: number;
  /** The first block that it keeps. */
  readonly first: number;
}

const BLOCK_SEC = 2;
/** Blocks that may still be undone. */
const SAFE_LAG_BLOCKS = 30;
const SETTLED_LONG_AGO_BLOCKS = 40;
const HISTORY_BLOCKS = 1_000_000;
const LIE_BLOCKS = 5_000;
const BALANCE = 10n ** 12n;

const AUTHORIZATION_STATE = toFunctionSelector('authorizationState(address,bytes32)');
const NONCE_BITMAP = toFunctionSelector('nonceBitmap(address,uint256)');
const ALLOWANCE = toFunctionSelector('allowance(address,address)');
/** The settle calls of x402's contracts: in which words nonce, owner, payee and amount stand. */
const SETTLES: Readonly<
  Record<string, { selector: string; nonce: number; owner: number; to: number; amount: number }>
> = {
  [PERMIT2_SPENDERS.exact]: { selector: '0x13cd3b53', nonce: 2, owner: 4, to: 5, amount: 1 },
  [PERMIT2_SPENDERS.upto]: { selector: '0xff11e7b4', nonce: 2, owner: 5, to: 6, amount: 4 },
};
const SETTLE_WORDS = 8;
/** Permit2 keeps so many nonces in a word. */
const BITS = 256n;
const BALANCE_OF = toFunctionSelector('balanceOf(address)');
const USED = toEventSelector('AuthorizationUsed(address,bytes32)');
const TRANSFER = toEventSelector('Transfer(address,address,uint256)');

/**
 * A chain of the EVM with one token, that knows nothing but payments. Its blocks come by the true time, one every two
 * seconds; the newest thirty may be undone.
 */
export class EvmSim {
  readonly #nowSec: () => number;
  readonly #token: string;
  readonly #genesisSec: number;
  readonly #landings = new Map<string, Landing>();
  /** From which block on each fork is the canonical chain, oldest first. */
  readonly #forks: { readonly from: number; readonly id: number }[] = [];

  constructor(nowSec: () => number, token: string) {
    this.#nowSec = nowSec;
    this.#token = token.toLowerCase();
    this.#genesisSec = Math.floor(nowSec()) - HISTORY_BLOCKS * BLOCK_SEC;
  }

  get #tip(): number {
    return Math.floor((this.#nowSec() - this.#genesisSec) / BLOCK_SEC);
  }

  #timeOf(block: number): number {
    return this.#genesisSec + block * BLOCK_SEC;
  }

  /** Whether the next block can take it. */
  mayLand({ nonce, validBeforeSec }: EvmAuthorization): boolean {
    return !this.#landings.has(nonce) && this.#timeOf(this.#tip + 1) < validBeforeSec;
  }

  /** Whether what landed in blocks that may be undone, and may land again after that. */
  mayLandAgain({ nonce, validBeforeSec }: EvmAuthorization): boolean {
    const landing = this.#landings.get(nonce);
    return (
      landing !== undefined &&
      landing.block > this.#tip - SAFE_LAG_BLOCKS &&
      this.#timeOf(this.#tip + 1) < validBeforeSec
    );
  }

  hasLanded({ nonce }: EvmAuthorization): boolean {
    return this.#landings.has(nonce);
  }

  landedSec({ nonce }: EvmAuthorization): number | null {
    const landing = this.#landings.get(nonce);
    return landing === undefined ? null : this.#timeOf(landing.block);
  }

  /** Whether it landed, and can be undone no more. */
  isSettled({ nonce }: EvmAuthorization): boolean {
    const landing = this.#landings.get(nonce);
    return landing !== undefined && landing.block <= this.#tip - SAFE_LAG_BLOCKS;
  }

  /** Puts a payment into the next block; gives the time by which that block is there, and null where it takes it no more. */
  land(authorization: EvmAuthorization): number | null {
    if (!this.mayLand(authorization)) return null;
    const block = this.#tip + 1;
    this.#landings.set(authorization.nonce, { authorization, block });
    return this.#timeOf(block);
  }

  /** Undoes the newest blocks; what was in them may land again. */
  undo(blocks: number): void {
    const from = this.#tip - Math.min(blocks, SAFE_LAG_BLOCKS - 1) + 1;
    this.#forks.push({ from, id: this.#forks.length + 1 });
    for (const [nonce, { block }] of this.#landings) if (block >= from) this.#landings.delete(nonce);
  }

  /**
   * Makes the blocks anew that may still be undone, with a payment in the first of them that can take it; false where none
   * can. What was in them is in the new ones, too.
   */
  landInFork(authorization: EvmAuthorization): boolean {
    const { nonce, validBeforeSec } = authorization;
    const heardAt = this.#heardAt.get(nonce) ?? Infinity;
    const block = Math.max(this.#tip - SAFE_LAG_BLOCKS + 1, heardAt + 1);
    if (this.#landings.has(nonce) || block > this.#tip || this.#timeOf(block) >= validBeforeSec) return false;
    this.#forks.push({ from: block, id: this.#forks.length + 1 });
    this.#landings.set(nonce, { authorization, block });
    return true;
  }

  transactionOf({ nonce }: EvmAuthorization): string | null {
    const landing = this.#landings.get(nonce);
    return landing === undefined ? null : transactionId(landing);
  }

  readonly answer: Answerer = (method, params, mood) => {
    const tip = this.#tip - mood.lagBlocks;
    const seen: Seen = {
      mood,
      tip,
      safe: tip - SAFE_LAG_BLOCKS,
      first: mood.keptBlocks === null ? 0 : Math.max(0, this.#tip - mood.keptBlocks),
    };
    switch (method) {
      case 'eth_chainId':
        return quantity(8453);
      case 'eth_getBlockByNumber':
        return this.#block(String(params[0]), seen);
      case 'eth_call':
        return this.#call(params[0] as { data: string }, params[1], seen);
      case 'eth_getTransactionByHash':
        return this.#transaction(String(params[0]), seen);
      case 'eth_getLogs':
        return this.#logs(params[0] as LogQuestion, seen);
      default:
        throw new Refusal(`the method ${method} does not exist`);
    }
  };

  #block(which: string, { mood, tip, safe, first }: Seen): unknown {
    const isSettledTag = which === 'safe' || which === 'finalized';
    if (isSettledTag && mood.lies.includes('height')) return this.#header(safe + LIE_BLOCKS, 0);
    const number = isSettledTag ? safe : which === 'latest' ? tip : Number(which);
    if (number < first) return null;
    if (number > tip && !mood.lies.includes('height')) return null;
    return this.#header(number, mood.lies.includes('time') ? LIE_SEC : 0);
  }

  #header(number: number, aheadSec: number): unknown {
    return {
      number: quantity(number),
      hash: this.#hashOf(number),
      timestamp: quantity(this.#timeOf(number) + aheadSec),
    };
  }

  #hashOf(block: number): string {
    const fork = this.#forks.findLast(({ from }) => block >= from)?.id ?? 0;
    return `0xb10c${hex(fork, 12)}${hex(block, 48)}`;
  }

  /** The block of a hash. Throws where it is on no chain any more. */
  #blockOf(hash: string): number {
    const block = Number.parseInt(hash.slice(-48), 16);
    if (this.#hashOf(block) !== hash) throw new Refusal('header not found');
    return block;
  }

  #call({ data }: { data: string }, at: unknown, seen: Seen): string {
    if (data.startsWith(BALANCE_OF) || data.startsWith(ALLOWANCE)) return word(BALANCE);
    if (data.startsWith(NONCE_BITMAP)) return word(this.#bitmap(BigInt(`0x${data.slice(-64)}`), at, seen));
    if (!data.startsWith(AUTHORIZATION_STATE)) throw new Refusal('execution reverted');
    const block = this.#blockOf((at as { blockHash: string }).blockHash);
    if (block > seen.tip && !seen.mood.lies.includes('height')) throw new Refusal('header not found');
    const landing = this.#landings.get(`0x${data.slice(-64)}`);
    const { lies } = seen.mood;
    if (lies.includes('unused')) return word(0n);
    if (lies.includes('spent') || lies.includes('paid')) return word(1n);
    return word(landing !== undefined && landing.block <= block ? 1n : 0n);
  }

  /** Which of 256 nonces Permit2 has taken. */
  #bitmap(wordAt: bigint, at: unknown, { mood, tip }: Seen): bigint {
    const block = this.#blockOf((at as { blockHash: string }).blockHash);
    if (block > tip && !mood.lies.includes('height')) throw new Refusal('header not found');
    const isIn = ({ nonce, spender }: EvmAuthorization): boolean =>
      spender !== null && BigInt(nonce) / BITS === wordAt;
    if (mood.lies.includes('unused')) return 0n;
    if (mood.lies.includes('paid'))
      for (const known of this.#known.values()) if (isIn(known)) this.#makeUp(known, block);
    if (mood.lies.includes('spent') || mood.lies.includes('paid')) return 2n ** BITS - 1n;
    return [...this.#landings.values()]
      .filter((landing) => isIn(landing.authorization) && landing.block <= block)
      .reduce((bits, { authorization }) => bits | (1n << (BigInt(authorization.nonce) % BITS)), 0n);
  }

  #transaction(hash: string, { mood, tip, first }: Seen): unknown {
    const landing = this.#shown(mood, undefined, tip).find((one) => transactionId(one) === hash);
    if (landing === undefined || landing.block > tip || landing.block < first) return null;
    const { nonce, from, to, value, spender } = landing.authorization;
    const blockHash = this.#hashOf(landing.block);
    const call = SETTLES[spender ?? ''];
    if (call === undefined) return { hash, to: this.#token, input: '0x', blockHash };
    const words = Array.from({ length: SETTLE_WORDS }, () => word(0n).slice(2));
    words[call.amount] = word(value).slice(2);
    words[call.nonce] = nonce.slice(2);
    words[call.owner] = pad(from).slice(2);
    words[call.to] = pad(to).slice(2);
    return { hash, to: spender, input: `${call.selector}${words.join('')}`, blockHash };
  }

  #logs(question: LogQuestion, { mood, tip, first }: Seen): unknown[] {
    const single = question.blockHash === undefined ? null : this.#blockOf(question.blockHash);
    const from = single ?? Number(question.fromBlock);
    const to = Math.min(single ?? Number(question.toBlock), tip);
    if (mood.pageMax !== null && to - from + 1 > mood.pageMax) throw new Refusal('the range is too large');
    if (from < first && !mood.silent) throw new Refusal('history has been pruned');
    if (mood.lies.includes('unused')) return [];
    // A nonce, or where there is none in the logs the payee.
    const nonce = question.topics[2]?.toLowerCase();
    return this.#shown(mood, nonce, to)
      .filter(({ block }) => block >= Math.max(from, first) && block <= to)
      .flatMap((landing, i) => this.#logsOf(landing, i))
      .filter(({ topics }) => question.topics[0]?.includes(topics[0] ?? '') === true)
      .filter(({ topics }) => nonce === undefined || topics[2] === nonce);
  }

  /** What the operator has landed. One that makes payments up remembers those that it was asked about. */
  #shown({ lies }: Mood, nonce: string | undefined, to: number): Landing[] {
    const landings = [...this.#landings.values()];
    if (!lies.includes('paid')) return landings;
    const known = nonce === undefined ? undefined : this.#known.get(nonce);
    if (known !== undefined) this.#makeUp(known, to);
    return [
      ...landings,
      ...[...this.#madeUp.values()].filter(({ authorization }) => !this.#landings.has(authorization.nonce)),
    ];
  }

  #makeUp(known: EvmAuthorization, to: number): void {
    if (this.#landings.has(known.nonce)) return;
    this.#madeUp.set(known.nonce, {
      authorization: known,
      // In a settled block where it was signed long enough ago.
      block: Math.max((this.#heardAt.get(known.nonce) ?? 0) + 1, to - SETTLED_LONG_AGO_BLOCKS),
    });
  }

  readonly #known = new Map<string, EvmAuthorization>();
  readonly #heardAt = new Map<string, number>();
  readonly #madeUp = new Map<string, Landing>();

  /** Tells the chain's operators of a payment that was signed: a liar among them may make it up. */
  hearOf(authorization: EvmAuthorization): void {
    this.#known.set(authorization.nonce, authorization);
    this.#heardAt.set(authorization.nonce, this.#tip);
  }

  #logsOf({ authorization, block }: Landing, position: number): TokenLog[] {
    const { nonce, from, to, value, spender } = authorization;
    const place = {
      address: this.#token,
      transactionHash: transactionId({ authorization, block }),
      blockNumber: quantity(block),
      blockHash: this.#hashOf(block),
    };
    const payer = pad(from);
    const used = { ...place, logIndex: quantity(2 * position), topics: [USED, payer, nonce], data: '0x' };
    return [
      ...(spender === null ? [used] : []),
      {
        ...place,
        logIndex: quantity(2 * position + 1),
        topics: [TRANSFER, payer, pad(to)],
        data: word(value),
      },
    ];
  }
}

interface TokenLog {
  readonly topics: readonly string[];
  readonly [field: string]: unknown;
}

interface LogQuestion {
  readonly topics: readonly [string | readonly string[], string, string?];
  readonly blockHash?: string;
  readonly fromBlock?: string;
  readonly toBlock?: string;
}

function transactionId({ authorization, block }: Landing): string {
  return `0x${createHash('sha256').update(`${authorization.nonce} ${block}`).digest('hex')}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`;
}

function word(value: bigint): string {
  return `0x${value.toString(16).padStart(64, '0')}`;
}

function pad(address: string): string {
  return `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
}
