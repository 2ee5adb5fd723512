import { z } from 'zod';
import { AGENT_NAME } from '../../money/agent.js';
import type { FactorProof } from '../../approvals/inbox.js';
import type { PasskeyPlace } from '../../approvals/challenge.js';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';

/** An id, a key or a name is shorter. */
const ID_CHARS_MAX = 300;

export const agentName = z.string().regex(AGENT_NAME).describe('Name of an agent.');
export const templateName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .describe('Name of a template of agents.');
export const id = z.string().min(1).max(ID_CHARS_MAX);
export const usd = z.string().describe('US dollars as a decimal.');
export const time = z.string().describe('ISO 8601, in UTC.');
export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('Of all that was shown: what is answered is what was shown.');

/** What a passkey signed over a challenge of this API: the one proof of the owner that it takes, as their page does from afar. */
export const passkey = z
  .strictObject({
    challenge_id: id,
    response: z.record(z.string(), z.unknown()).describe('PublicKeyCredential.toJSON() of the browser.'),
  })
  .describe('The owner’s passkey over the challenge of this very change.');

export const challenge = z.object({
  challenge_id: z.string(),
  options: z.looseObject({}).describe('For navigator.credentials.get, at owner_page.url.'),
});

/** A proof as the owner's books take it. */
export function proofOf(given: z.output<typeof passkey> | undefined): FactorProof | null {
  return given === undefined
    ? null
    : { kind: 'passkey', challengeId: given.challenge_id, response: given.response };
}

/** Where the owner's passkeys work. Throws `factor_needed` where the owner's page has no address that others reach. */
export function passkeyPlace({ ownerPage }: Config): PasskeyPlace {
  if (ownerPage.url === 'none')
    throw new WalletError(
      'factor_needed',
      'Passkeys work at the address of the owner’s page, and none is set.',
      {
        owner: {
          say: 'Set where your page is reached.',
          action: { kind: 'chooseSetting', key: 'owner_page.url', example: 'URL' },
        },
      },
    );
  return { origin: new URL(ownerPage.url).origin, rpId: new URL(ownerPage.url).hostname };
}

/** A time as the API says it; null stays. */
export function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
