import {
  address,
  getAddressDecoder,
  getAddressEncoder,
  getProgramDerivedAddress,
  type Address,
} from '@solana/kit';

/** Circle's mint on devnet; the one here stands at the same address. */
export const USDC_MINT = address('4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU');
export const TOKEN_PROGRAM = address('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
const ASSOCIATED_TOKEN_PROGRAM = address('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL');

/** Layouts of the SPL token program (spl-token `state.rs`). */
const MINT_BYTES = 82;
const ACCOUNT_BYTES = 165;
const INITIALIZED = 1;
const USDC_DECIMALS = 6;

const encoder = getAddressEncoder();

/** The token account of an owner, as the associated token program derives it. */
export async function tokenAccountOf(owner: Address, mint: Address = USDC_MINT): Promise<Address> {
  const seeds = [owner, TOKEN_PROGRAM, mint].map((part) => encoder.encode(part));
  const [found] = await getProgramDerivedAddress({ programAddress: ASSOCIATED_TOKEN_PROGRAM, seeds });
  return found;
}

/** The bytes of a mint that anybody may hold and nobody can freeze. */
export function mintData(supplyAtomic: bigint): Uint8Array {
  const data = Buffer.alloc(MINT_BYTES);
  data.writeBigUInt64LE(supplyAtomic, 36);
  data.writeUInt8(USDC_DECIMALS, 44);
  data.writeUInt8(INITIALIZED, 45);
  return data;
}

/** The bytes of a token account. */
export function accountData(mint: Address, owner: Address, atomic: bigint): Uint8Array {
  const data = Buffer.alloc(ACCOUNT_BYTES);
  data.set(encoder.encode(mint), 0);
  data.set(encoder.encode(owner), 32);
  data.writeBigUInt64LE(atomic, 64);
  data.writeUInt8(INITIALIZED, 108);
  return data;
}

/** What a token account says; null for anything else. */
export function readTokenAccount(data: Uint8Array): { mint: Address; owner: Address; atomic: bigint } | null {
  if (data.length !== ACCOUNT_BYTES) return null;
  const decoder = getAddressDecoder();
  const view = Buffer.from(data);
  return {
    mint: decoder.decode(data.subarray(0, 32)),
    owner: decoder.decode(data.subarray(32, 64)),
    atomic: view.readBigUInt64LE(64),
  };
}
