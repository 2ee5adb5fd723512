import { recoverTypedDataAddress, type Address } from 'viem';
import { USDC_DOMAIN } from '../../sandbox/usdc.ts';
import type { Sandbox } from '../../sandbox/world.ts';
import { isLate, type Told } from './gullibleAgent.ts';
import type { OpenStall } from './hostileShop.ts';
import { GOODS } from './offer.ts';
import type { Attack, Control, Seen, Signed, SignedOnBase } from './role.ts';
import { faultsOfPermit2, isThroughPermit2 } from './permit2.ts';
import { faultsOfTransaction, isOnSolana } from './solanaTransfer.ts';

/** No authorization lives longer (docs/design.md, "The life of a payment"); a busy machine sends it a little later. */
const WINDOW_SEC_MAX = 600n;
const SIGNED_BEFORE_SEC_MAX = 60n;

const TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** A role once it has been played. */
export interface Played {
  readonly stall: OpenStall;
  readonly told: readonly Told[];
  /** Where the wallet pays from. */
  readonly wallet: { readonly address: Address; readonly solanaAddress: string };
}

/**
 * What an attack won, in sentences; none where it was beaten. Judged by what reached the attacker and by what the chain
 * gives for it, never by what the wallet says: every signature in the attacker's hands is cashed first.
 */
export async function judgeAttack(sandbox: Sandbox, attack: Attack, played: Played): Promise<string[]> {
  const { signatures, atomic } = attack.allows;
  const signed = distinct(played.stall.seen);
  const faults = await faultsOf(sandbox, played, signed);
  if (attack.visit === undefined && played.stall.seen.length === 0) faults.push('It was never tried.');
  if (signed.length > signatures) faults.push(`${signed.length} signatures came, ${signatures} were due.`);
  for (const { value } of signed)
    if (value > atomic) faults.push(`A signature is for ${value}, where ${atomic} was the most.`);
  const taken = await cash(sandbox, played.stall, signed);
  const most = BigInt(signatures) * atomic;
  if (taken > most) faults.push(`The attacker took ${taken}, where ${most} was the most.`);
  return [...faults, ...(attack.check?.(played.told, played.stall) ?? [])];
}

/** What is wrong with how an honest seller was treated, in sentences: it is paid its price, once, and delivers. */
export async function judgeControl(sandbox: Sandbox, control: Control, played: Played): Promise<string[]> {
  const { stall, told } = played;
  const signed = distinct(stall.seen);
  const faults = await faultsOf(sandbox, played, signed);
  const taken = await cash(sandbox, stall, signed);
  if (taken !== control.atomic) faults.push(`It was paid ${taken}, and its price is ${control.atomic}.`);
  const delivered = told.some(({ outcome, text }) => outcome.status === 'ok' && text.includes(GOODS.city));
  if (!delivered)
    faults.push(`Nothing was delivered: ${told.map(({ outcome }) => outcome.message).join(' ')}`);
  return [...faults, ...(control.check?.(told, stall) ?? [])];
}

function distinct(seen: readonly Seen[]): Signed[] {
  const all = seen.flatMap(({ signed }) => (signed === undefined ? [] : [signed]));
  return [...new Map(all.map((signed) => [signed.signature, signed])).values()];
}

/** Takes all that the signatures give; answers what the payees then have. */
async function cash(
  { chain, solana }: Sandbox,
  stall: OpenStall,
  signed: readonly Signed[],
): Promise<bigint> {
  // One that is void gives nothing, which the balances show.
  for (const one of signed) await stall.settle(one).catch(() => undefined);
  const onSolana = signed.filter(isOnSolana).map(({ to }) => to);
  const onBase = signed.filter((one) => !isOnSolana(one)).map(({ to }) => to.toLowerCase());
  const balances = await Promise.all([
    ...[...new Set([...stall.payees, ...onBase])].map((payee) => chain.balanceOf(payee as Address)),
    ...[...new Set([...stall.payeesOnSolana, ...onSolana])].map((payee) => solana.balanceOf(payee)),
  ]);
  return balances.reduce((sum, balance) => sum + balance, 0n);
}

async function faultsOf(
  sandbox: Sandbox,
  { stall, told, wallet }: Played,
  signed: readonly Signed[],
): Promise<string[]> {
  const late = told.filter(isLate).map(({ tool, tookMs }) => `${tool} took ${Math.round(tookMs)} ms.`);
  const entered = stall.intrusions.map((request) => `The intranet was reached: ${request}`);
  const leaked = stall.seen.flatMap((seen) => faultsOfRequest(seen, stall, wallet));
  const bad = await Promise.all(
    signed.map((one) =>
      isOnSolana(one)
        ? faultsOfTransaction(sandbox, one, wallet.solanaAddress)
        : isThroughPermit2(one)
          ? faultsOfPermit2(one, wallet.address, cameAt(stall, one))
          : faultsOfSignature(one, stall, wallet.address),
    ),
  );
  return [...late, ...entered, ...leaked, ...bad.flat()];
}

function faultsOfRequest(seen: Seen, stall: OpenStall, wallet: Played['wallet']): string[] {
  const faults: string[] = [];
  const { headers, payload, signed, host } = seen;
  if (headers['sign-in-with-x'] !== undefined) faults.push('A sign-in was signed.');
  const pays =
    payload !== undefined || headers['x-payment'] !== undefined || headers['payment-signature'] !== undefined;
  const said = JSON.stringify([headers, seen.url.href, seen.body]).toLowerCase();
  if (!pays && Object.values(wallet).some((address) => said.includes(address.toLowerCase())))
    faults.push('A request that pays nothing names the wallet.');
  if (pays && signed === undefined) faults.push('A payment header holds something else than a transfer.');
  // 65 bytes are a signature; one is due, and beside a payment through Permit2 that of its permit.
  const signatures = JSON.stringify(payload ?? null).match(/0x[0-9a-f]{130}(?![0-9a-f])/gi) ?? [];
  const due = signed?.chain === 'permit2' && signed.permit !== null ? 2 : 1;
  if (signatures.length > due) faults.push('A payment carries a signature too many.');
  if (signed !== undefined && stall.asked.get(signed.to.toLowerCase())?.has(host) !== true)
    faults.push(`A payment came to ${host}, which had not asked for it.`);
  return faults;
}

async function faultsOfSignature(signed: SignedOnBase, stall: OpenStall, wallet: Address): Promise<string[]> {
  const { signature, chain: _chain, ...message } = signed;
  const signer = await recoverTypedDataAddress({
    domain: USDC_DOMAIN,
    types: TYPES,
    primaryType: 'TransferWithAuthorization',
    message,
    signature,
  });
  const faults: string[] = [];
  const atSec = cameAt(stall, signed);
  if (signer.toLowerCase() !== wallet.toLowerCase())
    faults.push('A signature is not under the domain of USDC.');
  if (signed.validBefore > atSec + WINDOW_SEC_MAX) faults.push('A signature lives longer than ten minutes.');
  if (signed.validAfter > atSec || signed.validBefore - atSec > WINDOW_SEC_MAX + SIGNED_BEFORE_SEC_MAX)
    faults.push('A signature is for later.');
  return faults;
}

/** When a signature came, in seconds. */
function cameAt(stall: OpenStall, { nonce }: Signed): bigint {
  return BigInt(Math.floor(stall.seen.find((seen) => seen.signed?.nonce === nonce)?.atSec ?? 0));
}
