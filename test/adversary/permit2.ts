import {
  PERMIT2_ADDRESS,
  permit2WitnessTypes,
  uptoPermit2WitnessTypes,
  x402ExactPermit2ProxyABI,
  x402ExactPermit2ProxyAddress,
  x402UptoPermit2ProxyABI,
  x402UptoPermit2ProxyAddress,
} from '@x402/evm';
import {
  encodeFunctionData,
  isHex,
  parseAbi,
  parseSignature,
  recoverTypedDataAddress,
  type Address,
  type Hex,
} from 'viem';
import { USDC, USDC_DOMAIN } from '../../sandbox/usdc.ts';
import type { SignedThroughPermit2 } from './role.ts';

const CHAIN_ID = 84532;
/** No authorization lives longer (docs/design.md, "The life of a payment"). */
const WINDOW_SEC_MAX = 600n;

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

const PERMIT_ABI = parseAbi(['function permit(address,address,uint256,uint256,uint8,bytes32,bytes32)']);

interface Sent {
  readonly payload?: { readonly signature?: unknown; readonly permit2Authorization?: Authorization };
  readonly extensions?: { readonly eip2612GasSponsoring?: { readonly info?: Record<string, string> } };
}

interface Authorization {
  readonly from: Address;
  readonly permitted: { readonly token: Address; readonly amount: string };
  readonly spender: Address;
  readonly nonce: string;
  readonly deadline: string;
  readonly witness: { readonly to: Address; readonly facilitator?: Address; readonly validAfter: string };
}

/** Reads what came signed for Permit2; undefined where nothing did. */
export function readSignedThroughPermit2(payload: unknown): SignedThroughPermit2 | undefined {
  const { payload: sent, extensions } = (payload ?? {}) as Sent;
  const { signature, permit2Authorization: auth } = sent ?? {};
  if (auth === undefined || !isHex(signature)) return undefined;
  const { info } = extensions?.eip2612GasSponsoring ?? {};
  const permit = info?.['signature'];
  return {
    chain: 'permit2',
    from: auth.from,
    to: auth.witness.to,
    value: BigInt(auth.permitted.amount),
    token: auth.permitted.token,
    spender: auth.spender,
    facilitator: auth.witness.facilitator ?? null,
    validAfter: BigInt(auth.witness.validAfter),
    deadline: BigInt(auth.deadline),
    nonce: `0x${BigInt(auth.nonce).toString(16).padStart(64, '0')}`,
    signature,
    permit: isHex(permit)
      ? { signature: permit, value: BigInt(info?.['amount'] ?? 0), nonce: BigInt(info?.['nonce'] ?? 0) }
      : null,
  };
}

/** Narrows to what was signed for Permit2. */
export function isThroughPermit2(signed: { readonly chain: string }): signed is SignedThroughPermit2 {
  return signed.chain === 'permit2';
}

/** The call that takes all that was signed for, with the permit that came along; of the contract it is for. */
export function takeAll(signed: SignedThroughPermit2): { readonly to: Address; readonly data: Hex } {
  const { facilitator, from: owner, signature, deadline, value } = signed;
  const permit = {
    permitted: { token: signed.token, amount: value },
    nonce: BigInt(signed.nonce),
    deadline,
  };
  const witness = { to: signed.to, validAfter: signed.validAfter };
  const brought = signed.permit === null ? null : permitOf(signed.permit, deadline);
  if (facilitator === null) {
    const abi = x402ExactPermit2ProxyABI;
    const args = [permit, owner, witness, signature] as const;
    const data =
      brought === null
        ? encodeFunctionData({ abi, functionName: 'settle', args })
        : encodeFunctionData({ abi, functionName: 'settleWithPermit', args: [brought, ...args] });
    return { to: x402ExactPermit2ProxyAddress, data };
  }
  const abi = x402UptoPermit2ProxyABI;
  const args = [permit, value, owner, { ...witness, facilitator }, signature] as const;
  const data =
    brought === null
      ? encodeFunctionData({ abi, functionName: 'settle', args })
      : encodeFunctionData({ abi, functionName: 'settleWithPermit', args: [brought, ...args] });
  return { to: x402UptoPermit2ProxyAddress, data };
}

/** The call that has the token allow Permit2 what a permit says, without any payment; undefined where none came. */
export function bringPermit({ from, permit, deadline }: SignedThroughPermit2) {
  if (permit === null) return undefined;
  const { v, r, s } = permitOf(permit, deadline);
  const args = [from, PERMIT2_ADDRESS, permit.value, deadline, v, r, s] as const;
  return { to: USDC, data: encodeFunctionData({ abi: PERMIT_ABI, functionName: 'permit', args }) };
}

function permitOf({ signature, value }: NonNullable<SignedThroughPermit2['permit']>, deadline: bigint) {
  const { r, s, yParity } = parseSignature(signature);
  return { value, deadline, r, s, v: 27 + yParity };
}

/** What is wrong with it, in sentences: by the published types, whatever the seller asked for (T36). */
export async function faultsOfPermit2(
  signed: SignedThroughPermit2,
  wallet: Address,
  cameSec: bigint,
): Promise<string[]> {
  const { facilitator, signature, permit, deadline, value, spender } = signed;
  const faults: string[] = [];
  const own = facilitator === null ? x402ExactPermit2ProxyAddress : x402UptoPermit2ProxyAddress;
  if (spender !== own) faults.push('The spender is not the contract of x402.');
  if (signed.token !== USDC) faults.push('The token is not USDC.');
  if (deadline > cameSec + WINDOW_SEC_MAX) faults.push('It is good for longer than ten minutes.');
  const common = {
    domain: { name: 'Permit2', chainId: CHAIN_ID, verifyingContract: PERMIT2_ADDRESS },
    primaryType: 'PermitWitnessTransferFrom',
    signature,
  } as const;
  const message = {
    permitted: { token: signed.token, amount: value },
    ...{ spender: own, nonce: BigInt(signed.nonce), deadline },
  };
  const witness = { to: signed.to, validAfter: signed.validAfter };
  const signer =
    facilitator === null
      ? await recoverTypedDataAddress({
          ...common,
          types: permit2WitnessTypes,
          message: { ...message, witness },
        })
      : await recoverTypedDataAddress({
          ...common,
          types: uptoPermit2WitnessTypes,
          message: { ...message, witness: { ...witness, facilitator } },
        });
  if (signer.toLowerCase() !== wallet.toLowerCase())
    faults.push('What was signed for Permit2 is not what came.');
  if (permit === null) return faults;
  const allowedBy = await recoverTypedDataAddress({
    domain: USDC_DOMAIN,
    types: PERMIT_TYPES,
    primaryType: 'Permit',
    message: { owner: wallet, spender: PERMIT2_ADDRESS, value, nonce: permit.nonce, deadline },
    signature: permit.signature,
  });
  if (allowedBy.toLowerCase() !== wallet.toLowerCase() || permit.value !== value)
    faults.push('The permit is for something else than this payment.');
  return faults;
}
