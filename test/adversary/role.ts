import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Address, Hex } from 'viem';
import type { GullibleAgent, Told } from './gullibleAgent.ts';

/** The threats this suite is about, by their numbers, in words for README.md. */
export const THREATS = {
  T1: 'traps and floods of offers',
  T2: 'prices and payees that change under a payment',
  T3: 'look-alike assets, false decimals',
  T4: 'odd amounts',
  T5: 'wrong chains, downgrades',
  T6: 'a signing domain of the seller’s choice',
  T7: 'other signatures: permits, approvals, sign-ins',
  T8: 'long-lived authorizations',
  T9: 'redirects with money, bodies and keys',
  T10: 'ways into your own network',
  T11: 'look-alike hosts',
  T12: 'paid, still 402; “pay again”',
  T15: 'huge, endless, slow and compressed answers',
  T16: 'instructions in what a seller writes',
  T17: 'poisoned listings',
  T25: 'prices that creep',
  T27: 'characters that steer a terminal',
  T28: 'receipts that lie',
  T36: 'allowances, ceilings, spenders of the seller’s choice',
  T37: 'prices that move once they are paid ahead',
  T38: 'what is bought, led elsewhere',
  T46: 'MCP servers that sell',
} as const;

/** One of them. */
export type Threat = keyof typeof THREATS;

/** A signed transfer on Base as it reached a seller. */
export interface SignedOnBase {
  readonly chain: 'base';
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
  readonly signature: Hex;
}

/** A signed transfer on Solana as it reached a seller. */
export interface SignedOnSolana {
  readonly chain: 'solana';
  readonly from: string;
  /** Owner of the account that is paid; the account itself where it is nobody's here. */
  readonly to: string;
  readonly value: bigint;
  /** SHA-256 of the message, hex. */
  readonly nonce: string;
  /** The sender's, hex. */
  readonly signature: string;
  /** As it came, base64. */
  readonly transaction: string;
}

/** What was signed for Permit2 as it reached a seller; under a ceiling it names who may settle. */
export interface SignedThroughPermit2 {
  readonly chain: 'permit2';
  readonly from: Address;
  readonly to: Address;
  /** The most it moves. */
  readonly value: bigint;
  readonly token: Address;
  readonly spender: Address;
  readonly facilitator: Address | null;
  readonly validAfter: bigint;
  readonly deadline: bigint;
  readonly nonce: Hex;
  readonly signature: Hex;
  /** What allows Permit2 that amount, where it came along. */
  readonly permit: { readonly signature: Hex; readonly value: bigint; readonly nonce: bigint } | null;
}

/** A signed transfer as it reached a seller. */
export type Signed = SignedOnBase | SignedOnSolana | SignedThroughPermit2;

/** One request as it reached the hostile shop. */
export interface Seen {
  /** The virtual host it was for. */
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** When it came, in seconds. */
  readonly atSec: number;
  /** What is in its payment header, whatever that is. */
  readonly payload: unknown;
  readonly signed: Signed | undefined;
}

/** One run of one role: its own hosts, its own payees, and all that came to them. */
export interface Stall {
  /** `http://NAME.shop.test:PORT` */
  readonly origin: string;
  /** A second origin of the same seller. */
  readonly other: string;
  /** Where the owner lets nobody go: whatever reaches it was led there. */
  readonly intranet: string;
  readonly payTo: Address;
  /** The same on Solana. */
  readonly payToSolana: string;
  /** Who pays the fees on Solana. */
  readonly feePayer: string;
  readonly seen: readonly Seen[];
  url(path?: string): string;
  /** One more address that this seller is paid at. */
  freshPayTo(): Address;
  /** The same on Solana. */
  freshPayToSolana(): string;
  /** Notes that a host asked for a payment to an address: from then on it may get one. */
  asks(host: string, payTo: string): void;
  /** Takes the money of a signature now; its transaction. */
  settle(signed: Signed): Promise<string>;
  /** Brings the permit that came with a payment to the token, and takes nothing. */
  bring(signed: Signed): Promise<void>;
}

/** How a role answers. */
export type Serve = (seen: Seen, response: ServerResponse) => void | Promise<void>;

/** What may at most be taken from a gullible agent's wallet. */
export interface Allowed {
  /** Different signatures. */
  readonly signatures: number;
  /** The most one of them may be for, in atomic units of USDC. */
  readonly atomic: bigint;
}

/** A part that the hostile shop plays. */
export interface Role {
  readonly threat: Threat | 'honest';
  readonly name: string;
  open(stall: Stall): Serve;
  /** What the agent does; unless given, it calls the root URL in every way it knows. */
  visit?(agent: GullibleAgent, stall: Stall): Promise<void>;
  /** Sentences on what went wrong beside the money. */
  check?(told: readonly Told[], stall: Stall): string[];
  /** Limits under which a wallet of its own is attacked; without them the run's wallet is. */
  settings?(stall: Stall): Readonly<Record<string, string>>;
  /** What a catalogue lists as the fixed price of each of these paths, in micro-dollars; nothing where left out. */
  readonly listed?: { readonly paths: readonly string[]; readonly usdMicros: bigint };
}

/** A way to take more than was agreed; what it `allows` is what an honest seller could have had as well. */
export interface Attack extends Role {
  readonly threat: Threat;
  readonly allows: Allowed;
}

/** An honest shape, which must be paid exactly once. */
export interface Control extends Role {
  readonly threat: 'honest';
  /** The price, in atomic units of USDC; 0 where nothing is asked. */
  readonly atomic: bigint;
}

/** Nothing may be signed at all. */
export const NOTHING: Allowed = { signatures: 0, atomic: 0n };

/** One payment of a cent, as it was shown. */
export const ONE_CENT: Allowed = { signatures: 1, atomic: 10_000n };

/** Allows one payment of so much. */
export function once(atomic: bigint): Allowed {
  return { signatures: 1, atomic };
}
