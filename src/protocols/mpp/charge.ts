import { Buffer } from 'node:buffer';
import { readAddress } from '../../money/address.js';
import { assetsOf, isSigned } from '../../money/asset.js';
import { isBase58 } from '../../money/base58.js';
import { findLightning, findNetwork } from '../../money/network.js';
import type { RejectedOffer } from '../../payment/challenge.js';
import { MEMO_BYTES_MAX } from '../../payment/intent.js';
import { isJsonObject, statedField, statedText, type JsonObject } from '../../text/json.js';
import { quoteText } from '../../text/untrusted.js';
import { readInvoice } from '../l402/invoice.js';
import type { PaymentChallenge } from './challenge.js';
import { AMOUNT, Fault, judged, malformed, readAmount, readAsset, readTempoNetwork } from './terms.js';
import type { Charge } from './types.js';

const UINT256_MAX = 2n ** 256n - 1n;
const UINT128_MAX = 2n ** 128n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;
const ZERO_ADDRESS = '0x0000000000000000000000000000000000000000';

/** The clusters that the method `solana` names, as rows of our table. */
const CLUSTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    mainnet: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
    'mainnet-beta': 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
    devnet: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  }),
);

/** The intent of one payment for one call. */
export const CHARGE = 'charge';

/**
 * Judges one challenge, alone (T1): a charge that this wallet can pay, or why it cannot. Network, asset and decimals are rows
 * of our own tables; payee and amount come from the seller, the amount in the token's own unit, which is the rule of the
 * methods `evm`, `solana` and `tempo` (T39). Never throws.
 */
export function judgeCharge(challenge: PaymentChallenge, index: number): Charge | RejectedOffer {
  return judged(readCharge(challenge, index), index);
}

/** True for a charge that {@link judgeCharge} found payable. */
export function isCharge(offer: Charge | RejectedOffer): offer is Charge {
  return 'payTo' in offer;
}

function readCharge(challenge: PaymentChallenge, index: number): Charge | Fault {
  const { method, intent, request } = challenge;
  if (intent !== CHARGE)
    return new Fault(
      'unsupported_scheme',
      `This wallet does not pay the intent ${quoteText(intent)} of MPP.`,
    );
  const stated = statedField(request, 'methodDetails');
  const details = isJsonObject(stated) ? stated : {};
  if (statedField(details, 'splits') !== undefined)
    return new Fault('unsupported_scheme', 'The challenge splits its amount among several payees.');
  if (method === 'evm') return readEvmCharge(challenge, details, index);
  if (method === 'solana') return readSolanaCharge(challenge, details, index);
  if (method === 'tempo') return readTempoCharge(challenge, details, index);
  if (method === 'lightning') return readLightningCharge(challenge, details, index);
  return new Fault(
    'unsupported_scheme',
    `This wallet does not pay by the method ${quoteText(method)} of MPP.`,
  );
}

function readEvmCharge(challenge: PaymentChallenge, details: JsonObject, index: number): Charge | Fault {
  const { request } = challenge;
  const chainId = statedField(details, 'chainId');
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId))
    return malformed('The challenge names no chain.');
  const network = findNetwork(`eip155:${chainId}`);
  if (network?.family !== 'evm')
    return new Fault('unsupported_network', `The chain ${chainId} is unknown to this wallet.`);
  const types = statedField(details, 'credentialTypes');
  if (!Array.isArray(types) || !types.includes('authorization'))
    return new Fault(
      'unsupported_scheme',
      'The challenge takes no signed authorization (EIP-3009), which is what this wallet gives on this chain.',
    );
  const asset = readAsset(request, details, network);
  if (asset instanceof Fault) return asset;
  if (asset.family !== 'evm') return malformed('The token is of another kind of chain than the network.');
  if (!isSigned(asset))
    return new Fault(
      'unsupported_scheme',
      `${asset.symbol} on ${network.label} moves by no signature of its holder (EIP-3009).`,
    );
  const payTo = readAddress(statedText(request, 'recipient') ?? '');
  if (payTo === undefined || payTo === ZERO_ADDRESS)
    return malformed('The challenge names no valid recipient.');
  const amount = readAmount(request, asset, UINT256_MAX);
  if (amount instanceof Fault) return amount;
  return { ...{ method: 'evm', index, challenge, network, asset, payTo }, ...amount };
}

/** draft-tempo-charge, as the published server writes it. The chain is named, or nothing is paid: defaults disagree. */
function readTempoCharge(challenge: PaymentChallenge, details: JsonObject, index: number): Charge | Fault {
  const { request } = challenge;
  const network = readTempoNetwork(details);
  if (network instanceof Fault) return network;
  const modes = statedField(details, 'supportedModes');
  if (modes !== undefined && !(Array.isArray(modes) && modes.includes('pull')))
    return new Fault(
      'unsupported_scheme',
      'The challenge wants its transaction sent by the buyer, where this wallet hands it to the seller.',
    );
  // A memo of the seller's choice would take the place of the one that binds the payment to this challenge.
  if (statedField(details, 'memo') !== undefined)
    return new Fault(
      'unsupported_scheme',
      'The challenge wants a memo of its own in place of one bound to it.',
    );
  const asset = readAsset(request, details, network);
  if (asset instanceof Fault) return asset;
  if (asset.family !== 'tempo') return malformed('The token is of another kind of chain than the network.');
  const payTo = readAddress(statedText(request, 'recipient') ?? '');
  if (payTo === undefined || payTo === ZERO_ADDRESS)
    return malformed('The challenge names no valid recipient.');
  const amount = readAmount(request, asset, UINT128_MAX);
  if (amount instanceof Fault) return amount;
  const feePaidBy = statedField(details, 'feePayer') === true ? 'payee' : 'self';
  return { ...{ method: 'tempo', index, challenge, network, asset, payTo, feePaidBy }, ...amount };
}

function readSolanaCharge(challenge: PaymentChallenge, details: JsonObject, index: number): Charge | Fault {
  const { request } = challenge;
  const cluster = statedText(details, 'network') ?? 'mainnet';
  const network = findNetwork(CLUSTERS.get(cluster) ?? '');
  if (network?.family !== 'svm')
    return new Fault('unsupported_network', `The cluster ${quoteText(cluster)} is unknown to this wallet.`);
  if (statedField(details, 'confidential') === true)
    return new Fault('unsupported_scheme', 'The challenge wants a confidential transfer.');
  const asset = readAsset(request, details, network);
  if (asset instanceof Fault) return asset;
  if (asset.family !== 'svm') return malformed('The token is of another kind of chain than the network.');
  const program = statedText(details, 'tokenProgram');
  if (program !== undefined && program !== asset.tokenProgram)
    return malformed("The challenge names another token program than the token's own.");
  const payTo = statedText(request, 'recipient') ?? '';
  if (!isBase58(payTo, 'address')) return malformed('The challenge names no valid recipient.');
  // Without a fee payer the published server takes a transaction of the buyer's, or the signature of one that the buyer sent. The fee
  // of both is in SOL, which no limit of this wallet counts, for nothing here tells its dollars; so no hold could bound it.
  if (statedField(details, 'feePayer') !== true)
    return new Fault('unsupported_scheme', 'The challenge wants the buyer to pay the fee in SOL.');
  const feePayer = statedText(details, 'feePayerKey') ?? '';
  if (!isBase58(feePayer, 'address')) return malformed('The challenge names no valid fee payer.');
  const memo = readMemo(request);
  if (memo instanceof Fault) return memo;
  const amount = readAmount(request, asset, UINT64_MAX);
  if (amount instanceof Fault) return amount;
  return { ...{ method: 'solana', index, challenge, network, asset, payTo, feePayer }, memo, ...amount };
}

const MSAT_PER_SAT = 1_000n;
/** The chains that the method `lightning` names, by the letters of an invoice. */
const INVOICE_CHAINS: Readonly<Record<string, string>> = { mainnet: 'bc', signet: 'tbs', regtest: 'bcrt' };

/** draft-lightning-charge: the invoice alone counts, and whatever stands beside it has to say the same (T40). */
function readLightningCharge(
  challenge: PaymentChallenge,
  details: JsonObject,
  index: number,
): Charge | Fault {
  const { request } = challenge;
  const invoice = readInvoice(statedText(details, 'invoice') ?? '');
  if (typeof invoice === 'string') return malformed(`The invoice of the challenge ${invoice}.`);
  const network = findLightning(invoice.chain);
  const asset = network === undefined ? undefined : assetsOf(network.caip2)[0];
  if (network === undefined || asset?.family !== 'lightning')
    return new Fault('unsupported_network', 'The invoice is of a Lightning network unknown to this wallet.');
  const stated = statedText(details, 'network') ?? 'mainnet';
  if (INVOICE_CHAINS[stated] !== invoice.chain)
    return malformed('The challenge names another network than its invoice.');
  const hash = statedField(details, 'paymentHash');
  if (hash !== undefined && hash !== invoice.paymentHash)
    return malformed('The challenge names another payment hash than its invoice.');
  if (statedText(request, 'currency') !== 'sat')
    return malformed('The challenge’s amount is not in satoshi.');
  const amount = statedText(request, 'amount') ?? '';
  if (!AMOUNT.test(amount) || BigInt(amount) * MSAT_PER_SAT !== invoice.amountMsat)
    return malformed('The challenge names another amount than its invoice.');
  return {
    ...{ method: 'lightning', index, challenge, network, asset, invoice },
    ...{ payTo: invoice.payee, amountAtomic: invoice.amountMsat },
  };
}

/** Line breaks and the like would be lost or mangled on the way, and the seller's check of its memo with them. */
const MEMO_FORM = /^[\x20-\x7e]+$/;

/** The published server takes a memo that says its reference, and refuses every other one. */
function readMemo(request: JsonObject): string | null | Fault {
  const memo = statedField(request, 'externalId');
  if (memo === undefined || memo === '') return null;
  if (typeof memo !== 'string' || !MEMO_FORM.test(memo) || Buffer.byteLength(memo) > MEMO_BYTES_MAX)
    return malformed(`The challenge's externalId is not plain text of at most ${MEMO_BYTES_MAX} bytes.`);
  return memo;
}
