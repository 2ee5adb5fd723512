import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { Question } from './question.js';

/** A Monday morning in 2026: tests add to it and never read the clock. */
export const T0 = Date.UTC(2026, 5, 1, 9, 0, 0);

/** A question; what a test is about is changed in it. */
export function askedQuestion(over: Partial<Question> = {}): Question {
  return {
    approvalId: 'apr_000102030405060708090a',
    agent: 'default',
    client: 'Claude Code',
    sessionId: 'ses_0102030405060708090a',
    requestHash: 'a'.repeat(64),
    method: 'POST',
    url: 'https://api.example.com/v1/images?size=large',
    host: 'api.example.com',
    network: 'eip155:8453',
    networkLabel: 'Base',
    asset: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
    assetSymbol: 'USDC',
    payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    amountAtomic: 750_000n,
    usdMicros: 750_000n,
    why: 'The price is above limits.per_call_usd.',
    caps: [
      { name: 'limits.per_call_usd', maxUsdMicros: 500_000n, usedUsdMicros: 0n },
      { name: 'limits.per_session_usd', maxUsdMicros: 2_000_000n, usedUsdMicros: 1_400_000n },
      { name: 'limits.per_day_usd', maxUsdMicros: 5_000_000n, usedUsdMicros: 1_650_000n },
      { name: 'limits.per_month_usd', maxUsdMicros: 50_000_000n, usedUsdMicros: 8_020_000n },
    ],
    paidBefore: { payments: 0, lastPayTo: null, prices: [] },
    listed: null,
    sellerSays: 'High-resolution image generation, one image',
    agentSays: 'The hero image of the landing page you asked for',
    createdMs: T0,
    expiresMs: T0 + 600_000,
    ...over,
  };
}

/** The part of WebAuthn's request options that an authenticator looks at. */
interface ChallengeOptions {
  readonly challenge: string;
}

const FLAG_PRESENT = 0x01;
const FLAG_VERIFIED = 0x04;
const FLAG_CREDENTIAL = 0x40;

/**
 * An authenticator in software: what a browser and a security key answer together, and what an agent with a shell
 * can make. Every field of its answers can be made wrong.
 */
export class SoftwareAuthenticator {
  readonly id = randomBytes(32);
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  origin: string;
  rpId = 'localhost';
  verified = true;
  crossOrigin: boolean | undefined = false;
  counter = 1;

  constructor(port: number) {
    this.origin = `http://localhost:${port}`;
  }

  /** As `navigator.credentials.create` answers, with attestation `none`. */
  register({ challenge }: ChallengeOptions): unknown {
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' });
    const coseKey = Buffer.concat([
      Buffer.from('a5010203262001215820', 'hex'),
      Buffer.from(x ?? '', 'base64url'),
      Buffer.from('225820', 'hex'),
      Buffer.from(y ?? '', 'base64url'),
    ]);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.id.length);
    const authData = Buffer.concat([
      this.#authenticatorData(FLAG_CREDENTIAL),
      Buffer.alloc(16),
      length,
      this.id,
      coseKey,
    ]);
    const header = Buffer.concat([
      Buffer.from([0xa3]),
      cborText('fmt'),
      cborText('none'),
      cborText('attStmt'),
      Buffer.from([0xa0]),
      cborText('authData'),
      Buffer.from([0x58, authData.length]),
    ]);
    return this.#answer({
      clientDataJSON: this.#clientData('webauthn.create', challenge).toString('base64url'),
      attestationObject: Buffer.concat([header, authData]).toString('base64url'),
      transports: ['internal'],
    });
  }

  /** As `navigator.credentials.get` answers. */
  sign({ challenge }: ChallengeOptions): unknown {
    this.counter += 1;
    const clientDataJSON = this.#clientData('webauthn.get', challenge);
    const authenticatorData = this.#authenticatorData(0);
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJSON).digest()]);
    return this.#answer({
      clientDataJSON: clientDataJSON.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: sign('sha256', signed, this.#keys.privateKey).toString('base64url'),
      userHandle: null,
    });
  }

  #authenticatorData(flags: number): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    const verified = this.verified ? FLAG_VERIFIED : 0;
    return Buffer.concat([
      createHash('sha256').update(this.rpId).digest(),
      Buffer.from([FLAG_PRESENT | verified | flags]),
      counter,
    ]);
  }

  #clientData(type: string, challenge: string): Buffer {
    const { origin, crossOrigin } = this;
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin }));
  }

  #answer(response: Record<string, unknown>): unknown {
    const id = this.id.toString('base64url');
    return { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} };
  }
}

function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + text.length]), Buffer.from(text)]);
}
