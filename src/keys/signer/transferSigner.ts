import type { PrivateKeyAccount } from 'viem/accounts';
import { WalletError } from '../../errors/walletError.js';
import { findAsset, isSigned, type EvmAsset, type SignedAsset } from '../../money/asset.js';
import { AUTHORIZATION_WINDOW_MAX_SEC, type TransferIntent } from '../../payment/intent.js';
import { findNetwork } from '../../money/network.js';

/** The clock may be stepped, or a second may turn, between building an intent and signing it. */
const CLOCK_SKEW_SEC = 5;

const UINT256_END = 2n ** 256n;
export const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
export const ZERO_ADDRESS = /^0x0{40}$/;
const BYTES32 = /^0x[0-9a-fA-F]{64}$/;

/** EIP-3009, "TransferWithAuthorization". */
const TRANSFER_TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** The part of an account that signs typed data. */
export type TransferAccount = Pick<PrivateKeyAccount, 'address' | 'publicKey' | 'signTypedData'>;

/** The part of an account that signs what was hashed already: typed data is hashed once for its signature and its check. */
export type DigestAccount = Pick<PrivateKeyAccount, 'address' | 'publicKey' | 'sign'>;

/**
 * Signs one EIP-3009 transfer and returns its 65-byte signature, after recovering our own address from it.
 *
 * Trusts nothing its caller checked: asset, chain, payee, amount, window and nonce are judged again here, and the
 * EIP-712 domain comes from our table (T3, T6, T7, T8). `nowMs` is the instant the intent was built at, or later.
 * Throws `signer_refused` with nothing signed, or with a signature that was thrown away.
 */
export async function signTransferIntent(
  given: TransferIntent,
  account: DigestAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  const { intent, typedData } = judgedTransfer(given, account.address, nowMs);
  // Loaded on first use, as its account was.
  const { hashTypedData, isAddress } = await import('viem/utils');
  const { isOwnSignature } = await import('./ownSignature.js');
  if (!isAddress(intent.to)) throw refusal('the payee address fails its checksum');
  const digest = hashTypedData(typedData);
  const signature = await account.sign({ hash: digest });
  // T6: a signature that does not come back to our address is dead or someone else's; it never leaves.
  if (!isOwnSignature(account, digest, signature))
    throw refusal('the signature does not recover to our own address');
  return signature;
}

/** Checks an intent and gives what is signed for it. */
export function judgedTransfer(given: TransferIntent, ownAddress: string, nowMs: number) {
  // A copy, so that what was checked is what is signed, whatever object was handed in.
  const intent: TransferIntent = { ...given };
  return { intent, typedData: transferTypedData(intent, checkIntent(intent, ownAddress, nowMs)) };
}

/** Judges an intent for the signer and gives the table's row to sign with; throws `signer_refused`. */
function checkIntent(intent: TransferIntent, ownAddress: string, nowMs: number): SignedAsset {
  if (intent.kind !== 'eip3009') throw refusal('it is not a transfer this wallet signs');
  const asset = checkEvmTransfer(intent, ownAddress, nowMs);
  if (!isSigned(asset)) throw refusal('the token takes no signature of its holder');
  return asset;
}

/** What moves money on the EVM, whatever contract moves it. */
export type EvmTransfer = Omit<TransferIntent, 'kind'>;

/** Judges what any transfer of the EVM has, and gives the table's row to sign with; throws `signer_refused`. */
export function checkEvmTransfer(intent: EvmTransfer, ownAddress: string, nowMs: number): EvmAsset {
  const asset = findListedAsset(intent.asset);
  const network = findNetwork(asset.network);
  if (network?.family !== 'evm' || intent.chainId !== network.chainId)
    throw refusal("the chain is not the asset's own");
  checkParties(intent, asset, ownAddress);
  if (
    typeof intent.amountAtomic !== 'bigint' ||
    intent.amountAtomic <= 0n ||
    intent.amountAtomic >= UINT256_END
  ) {
    throw refusal('the amount is not a positive uint256');
  }
  if (!isMatch(BYTES32, intent.nonce)) throw refusal('the nonce is not 32 bytes');
  checkWindow(intent, nowMs);
  return asset;
}

/** T3, T6: the row is found by network and address, and whatever else the caller says of it has to agree. */
export function findListedAsset(said: EvmAsset): EvmAsset {
  const asset =
    typeof said?.network === 'string' && isMatch(ADDRESS, said.address)
      ? findAsset(said.network, said.address)
      : undefined;
  if (
    asset?.family !== 'evm' ||
    said.decimals !== asset.decimals ||
    said.eip712?.name !== asset.eip712?.name ||
    said.eip712?.version !== asset.eip712?.version
  ) {
    throw refusal('the asset is not a row of the table');
  }
  return asset;
}

function checkParties(intent: EvmTransfer, asset: EvmAsset, ownAddress: string): void {
  if (!isMatch(ADDRESS, intent.from) || intent.from.toLowerCase() !== ownAddress.toLowerCase()) {
    throw refusal("the payer is not this agent's own address");
  }
  if (!isMatch(ADDRESS, intent.to) || ZERO_ADDRESS.test(intent.to))
    throw refusal('the payee is not an address');
  const to = intent.to.toLowerCase();
  if (to === ownAddress.toLowerCase()) throw refusal('the payee is the payer');
  if (to === asset.address.toLowerCase()) throw refusal('the payee is the token contract');
}

/** T8: integers only, open now, and over within the longest window. */
function checkWindow(intent: EvmTransfer, nowMs: number): void {
  if (!Number.isSafeInteger(nowMs) || nowMs <= 0) throw refusal('the time is unknown');
  const { validAfterSec, validBeforeSec } = intent;
  if (!Number.isSafeInteger(validAfterSec) || !Number.isSafeInteger(validBeforeSec) || validAfterSec < 0) {
    throw refusal('the window is not in whole seconds');
  }
  const nowSec = Math.floor(nowMs / 1000);
  if (validAfterSec > nowSec + CLOCK_SKEW_SEC) throw refusal('the window is not open yet');
  if (validBeforeSec <= nowSec) throw refusal('the window is over');
  if (validBeforeSec - nowSec > AUTHORIZATION_WINDOW_MAX_SEC + CLOCK_SKEW_SEC) {
    throw refusal(`the window is longer than ${AUTHORIZATION_WINDOW_MAX_SEC} seconds`);
  }
}

function transferTypedData(intent: TransferIntent, asset: SignedAsset) {
  return {
    domain: {
      name: asset.eip712.name,
      version: asset.eip712.version,
      chainId: intent.chainId,
      verifyingContract: asset.address,
    },
    types: TRANSFER_TYPES,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: intent.from,
      to: intent.to,
      value: intent.amountAtomic,
      validAfter: BigInt(intent.validAfterSec),
      validBefore: BigInt(intent.validBeforeSec),
      nonce: intent.nonce,
    },
  } as const;
}

/** Whether a value is text of a form. */
export function isMatch(shape: RegExp, value: unknown): value is `0x${string}` {
  return typeof value === 'string' && shape.test(value);
}

/** The error of an intent that is not signed. */
export function refusal(why: string): WalletError {
  return new WalletError('signer_refused', `The signer refused: ${why}.`);
}
