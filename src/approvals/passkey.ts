import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { z } from 'zod';
import { WalletError } from '../errors/walletError.js';
import type { FactorLine } from './inbox.js';
import { CHALLENGE_LIFE_MS, type Challenges, type PasskeyPlace } from './challenge.js';
import {
  credentialId,
  FACTORS_MAX,
  FIRST_OWNER,
  nameFactor,
  transports,
  type FactorName,
  type FactorRecord,
  type PasskeyFactor,
} from './factor.js';

/** WebAuthn binds a passkey to a name, and an IP address is none: the local page that uses one is at `localhost`. */
const LOCAL_RP_ID = 'localhost';

/** EdDSA, ES256, RS256: what authenticators have, written out so that no runtime changes it. */
const ALGORITHMS = [-8, -7, -257];

/** Purpose of the challenge that a new passkey signs. */
const REGISTRATION = JSON.stringify(['purser passkey 1']);

const base64Url = z.string().regex(/^[A-Za-z0-9_-]{1,8192}$/);

/** A browser's answer has more fields than these; only what is checked is handed on. */
const attestation = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: base64Url,
    attestationObject: base64Url,
    transports: transports.catch([]).default([]),
  }),
});

const assertion = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal('public-key'),
  response: z.object({ clientDataJSON: base64Url, authenticatorData: base64Url, signature: base64Url }),
});

const clientData = z.object({ crossOrigin: z.literal(false).optional() });

/** Ceremonies happen on few machines and in few processes: the library is loaded when one does. */
const loadWebAuthn = () => import('@simplewebauthn/server');

function originOf(at: PasskeyPlace): string {
  return typeof at === 'number' ? `http://${LOCAL_RP_ID}:${at}` : at.origin;
}

/** The name that passkeys of a page are bound to. */
export function rpIdOf(at: PasskeyPlace): string {
  return typeof at === 'number' ? LOCAL_RP_ID : at.rpId;
}

/** The name that a passkey is bound to: no page at another one can use it. */
export function boundTo({ data }: PasskeyFactor): string {
  return data.rpId ?? LOCAL_RP_ID;
}

/** A factor as lists show it. */
export function factorLine(factor: FactorRecord): FactorLine {
  const { id, kind, label, createdMs, owner = FIRST_OWNER } = factor;
  return { id, kind, label, owner, createdMs, rpId: factor.kind === 'passkey' ? boundTo(factor) : null };
}

/** What a ceremony begins with, and the page that it is for. */
export interface Ceremony {
  readonly factors: readonly FactorRecord[];
  readonly at: PasskeyPlace;
  readonly nowMs: number;
}

/** A browser's answer to a challenge, unread. */
export interface Signed {
  readonly challengeId: string;
  readonly response: unknown;
}

/**
 * Begins a registration: `options` goes to `navigator.credentials.create`. Throws `bad_input` where there are
 * {@link FACTORS_MAX} factors.
 */
export async function beginPasskey(
  challenges: Challenges,
  { factors, at, nowMs }: Ceremony,
): Promise<{ readonly challengeId: string; readonly options: PublicKeyCredentialCreationOptionsJSON }> {
  if (factors.length >= FACTORS_MAX) {
    throw new WalletError('bad_input', `A wallet has at most ${FACTORS_MAX} factors: remove one first.`);
  }
  const { generateRegistrationOptions } = await loadWebAuthn();
  const { id, bytes } = challenges.issue(REGISTRATION, at, nowMs);
  const options = await generateRegistrationOptions({
    rpName: 'Purser',
    rpID: rpIdOf(at),
    userName: 'owner',
    userDisplayName: 'Owner of the wallet',
    challenge: bytes,
    timeout: CHALLENGE_LIFE_MS,
    attestationType: 'none',
    excludeCredentials: credentialsOf(factors, at),
    // Our challenges name the credentials they take, so a security key need not spend one of its few slots.
    authenticatorSelection: { residentKey: 'discouraged', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
  return { challengeId: id, options };
}

/** Makes the factor of a new passkey that has verified its user. Throws `factor_wrong` for anything else. */
export async function makePasskeyFactor(
  challenges: Challenges,
  { challengeId, response }: Signed,
  { nowMs, ...name }: FactorName & { readonly nowMs: number },
): Promise<PasskeyFactor> {
  const challenge = challenges.take(challengeId, REGISTRATION, nowMs);
  const parsed = attestation.safeParse(response);
  if (challenge === null || !parsed.success || !isTopLevel(parsed.data.response.clientDataJSON)) {
    throw wrongPasskey();
  }
  const { verifyRegistrationResponse } = await loadWebAuthn();
  const verified = await verifyRegistrationResponse({
    response: { ...parsed.data, clientExtensionResults: {} },
    expectedChallenge: toBase64Url(challenge.bytes),
    expectedOrigin: originOf(challenge.at),
    expectedRPID: rpIdOf(challenge.at),
    requireUserVerification: true,
    supportedAlgorithmIDs: ALGORITHMS,
  }).catch(() => null);
  if (verified?.verified !== true) throw wrongPasskey();
  const { id, publicKey, counter } = verified.registrationInfo.credential;
  return {
    ...nameFactor('passkey', name, nowMs),
    kind: 'passkey',
    data: {
      credentialId: id,
      publicKey: toBase64Url(publicKey),
      counter,
      transports: parsed.data.response.transports,
      ...(rpIdOf(challenge.at) === LOCAL_RP_ID ? {} : { rpId: rpIdOf(challenge.at) }),
    },
  };
}

/**
 * Asks the passkeys among the factors for a signature for one purpose: `options` goes to
 * `navigator.credentials.get`. Throws `factor_needed` where there is no passkey.
 */
export async function challengePasskeys(
  challenges: Challenges,
  purpose: string,
  { factors, at, nowMs }: Ceremony,
): Promise<{ readonly challengeId: string; readonly options: PublicKeyCredentialRequestOptionsJSON }> {
  const allowCredentials = credentialsOf(factors, at);
  if (allowCredentials.length === 0)
    throw new WalletError('factor_needed', 'This wallet has no passkey that works on this page.');
  const { generateAuthenticationOptions } = await loadWebAuthn();
  const { id, bytes } = challenges.issue(purpose, at, nowMs);
  const options = await generateAuthenticationOptions({
    rpID: rpIdOf(at),
    allowCredentials,
    challenge: bytes,
    timeout: CHALLENGE_LIFE_MS,
    userVerification: 'required',
  });
  return { challengeId: id, options };
}

/**
 * The passkey that signed the challenge for this purpose after it verified its user, with its count of uses as it now
 * stands: store it in place of the old one, in the same step that does what was proved. Null for anything else; the
 * challenge is spent either way.
 */
export async function verifyPasskey(
  challenges: Challenges,
  purpose: string,
  { challengeId, response }: Signed,
  { factors, nowMs }: Pick<Ceremony, 'factors' | 'nowMs'>,
): Promise<PasskeyFactor | null> {
  const challenge = challenges.take(challengeId, purpose, nowMs);
  const parsed = assertion.safeParse(response);
  if (challenge === null || !parsed.success || !isTopLevel(parsed.data.response.clientDataJSON)) return null;
  const factor = passkeysOf(factors).find(({ data }) => data.credentialId === parsed.data.id);
  if (factor === undefined || boundTo(factor) !== rpIdOf(challenge.at)) return null;
  const { verifyAuthenticationResponse } = await loadWebAuthn();
  // The library throws for each way in which an answer is wrong, a count of uses that went back among them.
  const verified = await verifyAuthenticationResponse({
    response: { ...parsed.data, clientExtensionResults: {} },
    expectedChallenge: toBase64Url(challenge.bytes),
    expectedOrigin: originOf(challenge.at),
    expectedRPID: rpIdOf(challenge.at),
    requireUserVerification: true,
    credential: {
      id: factor.data.credentialId,
      publicKey: new Uint8Array(Buffer.from(factor.data.publicKey, 'base64url')),
      counter: factor.data.counter,
    },
  }).catch(() => null);
  if (verified?.verified !== true) return null;
  return { ...factor, data: { ...factor.data, counter: verified.authenticationInfo.newCounter } };
}

/** T20: a page of ours is never inside another's, whatever a browser made of our headers. */
function isTopLevel(clientDataJSON: string): boolean {
  try {
    return clientData.safeParse(JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8')))
      .success;
  } catch {
    return false;
  }
}

function passkeysOf(factors: readonly FactorRecord[]): PasskeyFactor[] {
  return factors.filter((factor) => factor.kind === 'passkey');
}

function credentialsOf(
  factors: readonly FactorRecord[],
  at: PasskeyPlace,
): { id: string; transports: string[] }[] {
  const usable = passkeysOf(factors).filter((factor) => boundTo(factor) === rpIdOf(at));
  return usable.map(({ data }) => ({ id: data.credentialId, transports: [...data.transports] }));
}

function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function wrongPasskey(): WalletError {
  return new WalletError(
    'factor_wrong',
    'The passkey was not accepted. Load the page again, and answer within three minutes.',
  );
}
