import { WalletError } from '../../errors/walletError.js';
import { findAsset, type SvmAsset } from '../../money/asset.js';
import {
  COMPUTE_UNIT_LIMIT_MAX,
  COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS,
  MEMO_BYTES_MAX,
  type SolanaOwnTransferIntent,
  type SolanaTransferIntent,
} from '../../payment/intent.js';
import { isBase58 } from '../../money/base58.js';
import {
  messageHash,
  readTransferMessage,
  tokenAccountOf,
  writeTransaction,
  writeTransferMessage,
  type DecodedTransfer,
} from '../../protocols/solana/solanaMessage.js';
import { isSignedBy } from '../../protocols/solana/solanaSignature.js';
import type { SolanaAccount } from './solanaKey.js';

const UINT64_END = 2n ** 64n;
/**
 * Messages signed by this process. The ledger's unique nonce keeps one message from being held twice, whatever process
 * asks; this keeps the signer from relying on it.
 */
const signed = new Set<string>();
/** A blockhash lives for about a minute: messages older than so many are dead. */
const SIGNED_MAX = 10_000;

/**
 * Signs one transfer on Solana and gives its transaction in base64, which the fee payer has yet to sign.
 *
 * Trusts nothing its caller checked: asset, payee, amount, fee payer and bounds are judged again, the message is
 * written here from our own table, and what was written is decoded and compared before it is signed (T3, T7). The same
 * message is never signed twice. Throws `signer_refused` with nothing signed.
 */
export async function signSolanaTransfer(
  given: SolanaTransferIntent,
  account: SolanaAccount,
): Promise<string> {
  // A copy, so that what was checked is what is signed, whatever object was handed in.
  const intent: SolanaTransferIntent = { ...given };
  const asset = checkIntent(intent, account.address);
  const message = await writeTransferMessage({ ...termsOf(intent), feePayer: intent.feePayer, asset });
  const decoded = readTransferMessage(message);
  await checkMessage(decoded, { ...intent, createsAccount: false }, asset);
  return signMessage(message, intent.nonce, account);
}

/** Signs a message whose content was judged, unless it is another than was held, or was signed before. */
export async function signMessage(
  message: Uint8Array,
  nonce: string,
  account: SolanaAccount,
): Promise<string> {
  if (messageHash(message) !== nonce) throw refusal('the message is not the one that was held');
  if (signed.has(nonce)) throw refusal('this very message was signed before');
  remember(nonce);
  const signature = account.sign(message);
  // A signature that is not our address's is dead or someone else's; it never leaves.
  if (!isSignedBy(account.address, message, signature)) throw refusal('the signature is not by our own key');
  return writeTransaction(message, account.address, signature);
}

function checkIntent(intent: SolanaTransferIntent, own: string): SvmAsset {
  if (intent.kind !== 'svm_transfer') throw refusal('it is not a transfer this wallet signs');
  const { feePayer } = intent;
  if (!isAddress(feePayer)) throw refusal('the fee payer is not an address');
  // The fee payer signs for everything in the transaction: as one, our key would vouch for more than a transfer.
  if (feePayer === own) throw refusal('the fee payer is our own key');
  return checkTerms(intent, own, COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS);
}

/** What a message is made of. The fee payer may be any account. */
type Terms = Omit<SolanaTransferIntent, 'kind' | 'feePayer'>;

/** Only what a message is made of: nothing else of an intent reaches it. */
export function termsOf(intent: Terms): Omit<Terms, 'nonce' | 'asset' | `valid${string}`> {
  const { from, to, amountAtomic, blockhash, memo, computeUnitLimit, computeUnitPriceMicroLamports } = intent;
  return { from, to, amountAtomic, blockhash, memo, computeUnitLimit, computeUnitPriceMicroLamports };
}

/** Judges all of a transfer but who pays its fee, and gives the table's row; throws `signer_refused`. */
export function checkTerms(intent: Terms, own: string, priceMax: number): SvmAsset {
  const asset = findListedAsset(intent.asset);
  const { from, to, amountAtomic, memo } = intent;
  if (from !== own) throw refusal("the payer is not this agent's own address");
  if (!isAddress(to)) throw refusal('the payee is not an address');
  if (to === own) throw refusal('the payee is the payer');
  if (to === asset.address) throw refusal('the payee is the token itself');
  if (typeof amountAtomic !== 'bigint' || amountAtomic <= 0n || amountAtomic >= UINT64_END)
    throw refusal('the amount is not a positive uint64');
  if (!isAddress(intent.blockhash)) throw refusal('the blockhash is not 32 bytes');
  if (!Number.isSafeInteger(intent.validBeforeBlock) || intent.validBeforeBlock <= 0)
    throw refusal('the last block is unknown');
  if (memo !== null && (typeof memo !== 'string' || memo === '' || Buffer.byteLength(memo) > MEMO_BYTES_MAX))
    throw refusal('the memo is not a short text');
  if (!isWithin(intent.computeUnitLimit, COMPUTE_UNIT_LIMIT_MAX))
    throw refusal('the compute limit is out of bounds');
  if (!isWithin(intent.computeUnitPriceMicroLamports, priceMax))
    throw refusal('the compute price is out of bounds');
  return asset;
}

/** T3: the row is found by network and mint, and whatever else the caller says of it has to agree. */
function findListedAsset(said: SvmAsset): SvmAsset {
  const asset =
    typeof said?.network === 'string' && typeof said.address === 'string'
      ? findAsset(said.network, said.address)
      : undefined;
  const agrees =
    asset?.family === 'svm' &&
    said.decimals === asset.decimals &&
    said.tokenProgram === asset.tokenProgram &&
    said.address === asset.address;
  if (!agrees) throw refusal('the asset is not a row of the table');
  return asset;
}

/** What leaves is what the bytes say, not what somebody meant: the instructions, and each field of them. */
export async function checkMessage(
  decoded: DecodedTransfer | undefined,
  intent: Terms & Pick<SolanaTransferIntent, 'feePayer'> & Pick<SolanaOwnTransferIntent, 'createsAccount'>,
  asset: SvmAsset,
): Promise<void> {
  if (decoded === undefined) throw refusal('the message is not a plain transfer');
  const [source, destination] = await Promise.all([
    tokenAccountOf(intent.from, asset),
    tokenAccountOf(intent.to, asset),
  ]);
  const expected = {
    feePayer: intent.feePayer,
    blockhash: intent.blockhash,
    computeUnitLimit: intent.computeUnitLimit,
    computeUnitPriceMicroLamports: intent.computeUnitPriceMicroLamports,
    tokenProgram: asset.tokenProgram,
    source,
    mint: asset.address,
    destination,
    authority: intent.from,
    amountAtomic: intent.amountAtomic,
    decimals: asset.decimals,
    memo: intent.memo,
    accountMadeFor: intent.createsAccount ? intent.to : null,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (decoded[field as keyof typeof expected] !== value) throw refusal(`the message has another ${field}`);
  }
}

function remember(nonce: string): void {
  signed.add(nonce);
  const oldest = signed.values().next();
  if (signed.size > SIGNED_MAX && oldest.done === false) signed.delete(oldest.value);
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && isBase58(value, 'address');
}

function isWithin(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= max;
}

/** The error of whatever the signer does not sign. */
export function refusal(why: string): WalletError {
  return new WalletError('signer_refused', `The signer refused: ${why}.`);
}
