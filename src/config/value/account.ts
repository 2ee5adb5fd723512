import { z } from 'zod';
import { readAddress } from '../../money/address.js';
import { findNetwork } from '../../money/network.js';
import { kindOf, type ValueKind } from './kind.js';

const WORDS =
  'must be an address with its network (CAIP-10) of those this wallet can send on, such as eip155:8453:0x1111111111111111111111111111111111111111';
/** 32 bytes in base58. */
const SOLANA_ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/** An account in its one spelling, its network before its address; undefined for what is none. */
function readAccount(text: string): string | undefined {
  const at = text.lastIndexOf(':');
  const [caip2, address] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  const network = findNetwork(caip2);
  if (network === undefined || network.family === 'lightning') return undefined;
  const read =
    network.family === 'svm' ? (SOLANA_ADDRESS.test(address) ? address : undefined) : readAddress(address);
  return read === undefined ? undefined : accountOf(caip2, read);
}

/** How an address on a network is written in a list of accounts. */
export function accountOf(caip2: string, address: string): string {
  return `${caip2}:${address}`;
}

const account = z.string(WORDS).refine((text) => readAccount(text) !== undefined, WORDS);

/** Addresses, each with its network, sorted, each once. */
export const accounts: ValueKind<readonly string[]> = kindOf(
  z.codec(
    z.array(account, 'must be a JSON list of addresses, each with its network'),
    z.array(z.string()).readonly(),
    {
      decode: (texts) => [...new Set(texts.flatMap((text) => readAccount(text) ?? []))].sort(),
      encode: (texts) => [...texts],
    },
  ),
  'as JSON',
);
