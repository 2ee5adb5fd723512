import type { PrivateKeyAccount } from 'viem/accounts';
import { findAsset, type TempoAsset } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import { TEMPO_WINDOW_MAX_SEC, type TempoTransferIntent } from '../../payment/intent.js';
import { refusal } from './transferSigner.js';

const CLOCK_SKEW_SEC = 5;
const UINT128_END = 2n ** 128n;
export const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const ZERO_ADDRESS = /^0x0{40}$/;
export const BYTES32 = /^0x[0-9a-f]{64}$/;

/** The part of an account that signs on Tempo. */
export type TempoAccount = Pick<PrivateKeyAccount, 'address' | 'publicKey' | 'sign'>;

/**
 * Signs one transfer on Tempo and gives its transaction's bytes, after recovering our own address from the signature.
 *
 * Trusts nothing its caller checked: token, chain, payee, amount, memo and window are judged again here, and call, gas and
 * fees of the transaction are made of the intent alone (T3, T7, T8). Throws `signer_refused` with nothing signed, or with a
 * signature that was thrown away.
 */
export async function signTempoTransfer(
  given: TempoTransferIntent,
  account: TempoAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  // A copy, so that what was checked is what is signed, whatever object was handed in.
  if (given.kind !== 'tempo_transfer') throw refusal('it is not a transfer this wallet signs');
  const intent: TempoTransferIntent = { ...given, asset: listedTempoAsset(given) };
  checkIntent(intent, account.address, nowMs);
  const { isAddress } = await import('viem/utils');
  if (!isAddress(intent.to)) throw refusal('the payee address fails its checksum');
  const { signingHash, writeTransaction } = await import('../../protocols/tempo/transaction.js');
  const { isOwnSignature } = await import('./ownSignature.js');
  const hash = signingHash(intent);
  const signature = await account.sign({ hash });
  // T6: a signature that does not come back to our address is dead or someone else's; it never leaves.
  if (!isOwnSignature(account, hash, signature))
    throw refusal('the signature does not recover to our own address');
  return writeTransaction(intent, signature);
}

/** T3: the row is found by network and address, and whatever else the caller says of it has to agree. */
export function listedTempoAsset({
  asset: said,
  chainId,
}: Pick<TempoTransferIntent, 'asset' | 'chainId'>): TempoAsset {
  const asset =
    typeof said?.network === 'string' && isMatch(ADDRESS, said.address)
      ? findAsset(said.network, said.address)
      : undefined;
  if (asset?.family !== 'tempo' || said.decimals !== asset.decimals)
    throw refusal('the asset is not a row of the table');
  const network = findNetwork(asset.network);
  if (network?.family !== 'tempo' || chainId !== network.chainId)
    throw refusal("the chain is not the asset's own");
  return asset;
}

function checkIntent(intent: TempoTransferIntent, ownAddress: string, nowMs: number): void {
  const own = ownAddress.toLowerCase();
  if (!isMatch(ADDRESS, intent.from) || intent.from.toLowerCase() !== own)
    throw refusal("the payer is not this agent's own address");
  if (!isMatch(ADDRESS, intent.to) || ZERO_ADDRESS.test(intent.to))
    throw refusal('the payee is not an address');
  const to = intent.to.toLowerCase();
  if (to === own) throw refusal('the payee is the payer');
  if (to === intent.asset.address.toLowerCase()) throw refusal('the payee is the token contract');
  const { amountAtomic } = intent;
  if (typeof amountAtomic !== 'bigint' || amountAtomic <= 0n || amountAtomic >= UINT128_END)
    throw refusal('the amount is not one that a token of Tempo can hold');
  if (!isMatch(BYTES32, intent.nonce)) throw refusal('the memo is not 32 bytes');
  if (intent.feePaidBy !== 'self' && intent.feePaidBy !== 'payee')
    throw refusal('nobody is named who pays the fee');
  checkWindow(intent, nowMs);
}

/** T8: whole seconds, open now, and over within the longest window that the chain takes. */
export function checkWindow(
  { validAfterSec, validBeforeSec }: Pick<TempoTransferIntent, 'validAfterSec' | 'validBeforeSec'>,
  nowMs: number,
  secMax: number = TEMPO_WINDOW_MAX_SEC,
): void {
  if (!Number.isSafeInteger(nowMs) || nowMs <= 0) throw refusal('the time is unknown');
  if (validAfterSec !== 0 || !Number.isSafeInteger(validBeforeSec))
    throw refusal('the window is not in whole seconds from now on');
  const nowSec = Math.floor(nowMs / 1000);
  if (validBeforeSec <= nowSec) throw refusal('the window is over');
  if (validBeforeSec - nowSec > secMax + CLOCK_SKEW_SEC)
    throw refusal(`the window is longer than ${secMax} seconds`);
}

/** Whether a value is text of a shape. */
export function isMatch(shape: RegExp, value: unknown): value is `0x${string}` {
  return typeof value === 'string' && shape.test(value);
}
