import { Buffer } from 'node:buffer';
import { concatHex, keccak256, sliceHex, stringToBytes } from 'viem/utils';
import type { TransferIntent } from '../../payment/intent.js';
import type { ChannelDescriptor } from '../../payment/channelIntent.js';
import { isJsonObject, parseJson, statedField, statedText, type JsonObject } from '../../text/json.js';
import type { PaymentChallenge } from './challenge.js';

const SCHEME = 'Payment';

/**
 * The nonce of an authorization that pays a challenge: a hash of the challenge's id and realm, by which the seller knows it
 * (draft-evm-charge, "Challenge Binding"). It is fresh as far as the seller's id is; one that was used moves nothing twice.
 */
export function challengeNonce({ id, realm }: Pick<PaymentChallenge, 'id' | 'realm'>): `0x${string}` {
  return keccak256(stringToBytes(`${id}${realm}`));
}

/** Bytes of a memo on Tempo, as the reference client lays it out: what it is, the seller, the client, the challenge. */
const MEMO_TAG = sliceHex(keccak256(stringToBytes('mpp')), 0, 4);
const MEMO_VERSION = '0x01';
const SELLER_BYTES = 10;
/** Who pays is on the chain anyway; by which program is nobody's business. */
const NO_CLIENT = `0x${'00'.repeat(10)}` as const;
const CHALLENGE_BYTES = 7;

/**
 * The memo of a transfer on Tempo that pays a challenge, by which the seller knows it: a hash of its realm and one of the
 * challenge's id. It is fresh as far as the seller's id is.
 */
export function challengeMemo({ id, realm }: Pick<PaymentChallenge, 'id' | 'realm'>): `0x${string}` {
  const seller = sliceHex(keccak256(stringToBytes(realm)), 0, SELLER_BYTES);
  const challenge = sliceHex(keccak256(stringToBytes(id)), 0, CHALLENGE_BYTES);
  return concatHex([MEMO_TAG, MEMO_VERSION, seller, NO_CLIENT, challenge]);
}

/** The payload of a charge by EIP-3009 (draft-evm-charge, "Authorization Payload"). */
export function authorizationPayload(intent: TransferIntent, signature: `0x${string}`): object {
  return {
    type: 'authorization',
    from: intent.from,
    to: intent.to,
    value: intent.amountAtomic.toString(),
    validAfter: intent.validAfterSec.toString(),
    validBefore: intent.validBeforeSec.toString(),
    nonce: intent.nonce,
    signature,
  };
}

/** Writes the value of the credential's header: the challenge given back, who pays, and the payload. */
export function writeCredential(challenge: PaymentChallenge, payload: object, source: string): string {
  return encodeCredential({ challenge: challenge.echo, payload, source });
}

/** A credential of the method `lightning` but for its proof: what is kept of a challenge while its invoice is paid. */
export function writeUnproved({ echo }: PaymentChallenge): string {
  return encodeCredential({ challenge: echo, payload: {} });
}

/** {@link writeUnproved}'s credential with its proof, the preimage in hex. Throws for text that is none. */
export function proveCredential(unproved: string, preimage: string): string {
  const credential = parseJson(Buffer.from(unproved.split(' ')[1] ?? '', 'base64url').toString('utf8'));
  if (!isJsonObject(credential)) throw new TypeError('no credential of this wallet');
  return encodeCredential({ ...credential, payload: { preimage } });
}

/** What a session's credential says of its channel. */
export interface SessionPayload {
  readonly action: 'open' | 'topUp' | 'voucher' | 'close';
  readonly channelId: `0x${string}`;
  readonly descriptor: ChannelDescriptor;
  /** The signed transaction, in hex, of `open` and `topUp`. */
  readonly transaction?: `0x${string}`;
  readonly type?: 'transaction';
  readonly cumulativeAmount?: string;
  readonly additionalDeposit?: string;
  readonly signature?: `0x${string}`;
}

/** The payload of a session in a credential of ours; undefined where it carries none. */
export function sessionInCredential(header: string): SessionPayload | undefined {
  const payload = payloadInCredential(header);
  return payload !== undefined && typeof statedField(payload, 'action') === 'string'
    ? (payload as unknown as SessionPayload)
    : undefined;
}

function encodeCredential(credential: object): string {
  return `${SCHEME} ${Buffer.from(JSON.stringify(credential), 'utf8').toString('base64url')}`;
}

/** The signed transaction in a credential of ours for Solana, in base64; undefined where it carries none. */
export function transactionInCredential(header: string): string | undefined {
  return fieldInCredential(header, 'transaction');
}

/** The signed transaction in a credential of ours for Tempo, in hex, which the method calls a signature. */
export function tempoTransactionInCredential(header: string): string | undefined {
  return fieldInCredential(header, 'signature');
}

function fieldInCredential(header: string, field: string): string | undefined {
  const payload = payloadInCredential(header);
  return payload === undefined ? undefined : statedText(payload, field);
}

function payloadInCredential(header: string): JsonObject | undefined {
  const [scheme, encoded] = header.split(' ');
  if (scheme !== SCHEME || encoded === undefined) return undefined;
  const credential = parseJson(Buffer.from(encoded, 'base64url').toString('utf8'));
  const payload = isJsonObject(credential) ? statedField(credential, 'payload') : undefined;
  return isJsonObject(payload) ? payload : undefined;
}
