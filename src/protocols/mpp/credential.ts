import { Buffer } from 'node:buffer';
import { keccak256, stringToBytes } from 'viem/utils';
import type { TransferIntent } from '../../payment/intent.js';
import { isJsonObject, parseJson, statedField, statedText } from '../../text/json.js';
import type { PaymentChallenge } from './challenge.js';

const SCHEME = 'Payment';

/**
 * The nonce of an authorization that pays a challenge: a hash of the challenge's id and realm, by which the seller knows it
 * (draft-evm-charge, "Challenge Binding"). It is fresh as far as the seller's id is; one that was used moves nothing twice.
 */
export function challengeNonce({ id, realm }: Pick<PaymentChallenge, 'id' | 'realm'>): `0x${string}` {
  return keccak256(stringToBytes(`${id}${realm}`));
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
  const credential = { challenge: challenge.echo, payload, source };
  return `${SCHEME} ${Buffer.from(JSON.stringify(credential), 'utf8').toString('base64url')}`;
}

/** The signed transaction in a credential of ours, in base64; undefined where it carries none. */
export function transactionInCredential(header: string): string | undefined {
  const [scheme, encoded] = header.split(' ');
  if (scheme !== SCHEME || encoded === undefined) return undefined;
  const credential = parseJson(Buffer.from(encoded, 'base64url').toString('utf8'));
  const payload = isJsonObject(credential) ? statedField(credential, 'payload') : undefined;
  return isJsonObject(payload) ? statedText(payload, 'transaction') : undefined;
}
