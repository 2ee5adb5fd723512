import { PERMIT2, PERMIT2_SPENDERS } from '../../money/permit2.js';
import { isSigned, type EvmAsset, type SignedAsset } from '../../money/asset.js';
import type { Permit2Intent, Permit2Signatures } from '../../payment/intent.js';
import { isOwnSignature } from './ownSignature.js';
import {
  ADDRESS,
  checkEvmTransfer,
  isMatch,
  refusal,
  ZERO_ADDRESS,
  type TransferAccount,
} from './transferSigner.js';

const TOKEN_PERMISSIONS = [
  { name: 'token', type: 'address' },
  { name: 'amount', type: 'uint256' },
] as const;

const PERMIT_WITNESS_TRANSFER_FROM = [
  { name: 'permitted', type: 'TokenPermissions' },
  { name: 'spender', type: 'address' },
  { name: 'nonce', type: 'uint256' },
  { name: 'deadline', type: 'uint256' },
  { name: 'witness', type: 'Witness' },
] as const;

/** What x402ExactPermit2Proxy has Permit2 check. */
const EXACT_TYPES = {
  PermitWitnessTransferFrom: PERMIT_WITNESS_TRANSFER_FROM,
  TokenPermissions: TOKEN_PERMISSIONS,
  Witness: [
    { name: 'to', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ],
} as const;

/** What x402UptoPermit2Proxy has Permit2 check. */
const UPTO_TYPES = {
  PermitWitnessTransferFrom: PERMIT_WITNESS_TRANSFER_FROM,
  TokenPermissions: TOKEN_PERMISSIONS,
  Witness: [
    { name: 'to', type: 'address' },
    { name: 'facilitator', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ],
} as const;

/** EIP-2612. */
const PERMIT_TYPES = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const;

const UINT256_END = 2n ** 256n;

/**
 * Signs one transfer through Permit2, and where it is to, the permit that allows Permit2 exactly its amount; recovers our
 * own address from each.
 *
 * Contract, spender and the form of the witness come from our tables, whatever a seller says (T36); all else is judged as
 * for a transfer by EIP-3009. Throws `signer_refused` with nothing signed, or with signatures that were thrown away.
 */
export async function signPermit2Intent(
  given: Permit2Intent,
  account: TransferAccount,
  nowMs: number,
): Promise<Permit2Signatures> {
  // A copy, so that what was checked is what is signed, whatever object was handed in.
  const intent: Permit2Intent = { ...given };
  const asset = checkPermit2(intent, account.address, nowMs);
  const { hashTypedData, isAddress } = await import('viem/utils');
  if (!isAddress(intent.to)) throw refusal('the payee address fails its checksum');
  if (intent.facilitator !== null && !isAddress(intent.facilitator))
    throw refusal('the address of the facilitator fails its checksum');
  const own = (digest: `0x${string}`, signature: `0x${string}`): `0x${string}` => {
    // T6: a signature that does not come back to our address is dead or someone else's; it never leaves.
    if (!isOwnSignature(account, digest, signature))
      throw refusal('the signature does not recover to our own address');
    return signature;
  };
  const { facilitator, permitNumber } = intent;
  if (permitNumber !== null && !isSigned(asset)) throw refusal('the token takes no permit');
  let transfer: `0x${string}`;
  if (facilitator === null) {
    const data = exactData(intent, asset);
    transfer = own(hashTypedData(data), await account.signTypedData(data));
  } else {
    const data = uptoData(intent, asset, facilitator);
    transfer = own(hashTypedData(data), await account.signTypedData(data));
  }
  if (permitNumber === null || !isSigned(asset)) return { transfer, permit: null };
  const data = permitData(intent, asset, permitNumber);
  return { transfer, permit: own(hashTypedData(data), await account.signTypedData(data)) };
}

/** Judges an intent for the signer and gives the table's row to sign with; throws `signer_refused`. */
function checkPermit2(intent: Permit2Intent, ownAddress: string, nowMs: number): EvmAsset {
  if (intent.kind !== 'permit2') throw refusal('it is not a transfer this wallet signs');
  const asset = checkEvmTransfer(intent, ownAddress, nowMs);
  const contracts = [PERMIT2, ...Object.values(PERMIT2_SPENDERS)].map((address) => address.toLowerCase());
  if (contracts.includes(intent.to.toLowerCase())) throw refusal('the payee is a contract of Permit2');
  const { facilitator, permitNumber } = intent;
  if (facilitator !== null) {
    if (!isMatch(ADDRESS, facilitator) || ZERO_ADDRESS.test(facilitator))
      throw refusal('the facilitator is not an address');
    if (facilitator.toLowerCase() === ownAddress.toLowerCase()) throw refusal('the facilitator is the payer');
  }
  const isNumber = typeof permitNumber === 'bigint' && permitNumber >= 0n && permitNumber < UINT256_END;
  if (permitNumber !== null && !isNumber) throw refusal('the number of the permit is not a uint256');
  return asset;
}

function exactData(intent: Permit2Intent, asset: EvmAsset) {
  const witness = { to: intent.to, validAfter: BigInt(intent.validAfterSec) };
  return {
    domain: domainOf(intent),
    types: EXACT_TYPES,
    primaryType: 'PermitWitnessTransferFrom',
    message: { ...permittedBy(intent, asset), spender: PERMIT2_SPENDERS.exact, witness },
  } as const;
}

function uptoData(intent: Permit2Intent, asset: EvmAsset, facilitator: `0x${string}`) {
  const witness = { to: intent.to, facilitator, validAfter: BigInt(intent.validAfterSec) };
  return {
    domain: domainOf(intent),
    types: UPTO_TYPES,
    primaryType: 'PermitWitnessTransferFrom',
    message: { ...permittedBy(intent, asset), spender: PERMIT2_SPENDERS.upto, witness },
  } as const;
}

function domainOf({ chainId }: Permit2Intent) {
  return { name: 'Permit2', chainId, verifyingContract: PERMIT2 } as const;
}

function permittedBy(intent: Permit2Intent, asset: EvmAsset) {
  const { nonce, amountAtomic } = intent;
  const permitted = { token: asset.address, amount: amountAtomic };
  return { permitted, nonce: BigInt(nonce), deadline: deadlineOf(intent) };
}

function permitData(intent: Permit2Intent, asset: SignedAsset, permitNumber: bigint) {
  const { name, version } = asset.eip712;
  return {
    domain: { name, version, chainId: intent.chainId, verifyingContract: asset.address },
    types: PERMIT_TYPES,
    primaryType: 'Permit',
    message: {
      owner: intent.from,
      spender: PERMIT2,
      value: intent.amountAtomic,
      nonce: permitNumber,
      deadline: deadlineOf(intent),
    },
  } as const;
}

/** The last second in which Permit2, and a token's permit, take what is signed. */
function deadlineOf({ validBeforeSec }: Permit2Intent): bigint {
  return BigInt(validBeforeSec - 1);
}
