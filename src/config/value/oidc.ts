import { z } from 'zod';
import { ADMIN_ROLES, type AdminRole } from './adminClient.js';
import { kindOf, type ValueKind } from './kind.js';

/** Which role a claim of a token gives. */
export interface OidcRole {
  readonly role: AdminRole;
  /** The claim, by its name at the top of the token. */
  readonly claim: string;
  /** What it has to be, or to have in its list. */
  readonly value: string;
}

/** Each is compared for every token. */
const ROLES_MAX = 64;
const WORDS =
  'must be a JSON list of a role, a claim and its value in each entry, such as ["operator groups wallet-ops"]';
const ENTRY = new RegExp(
  `^(${ADMIN_ROLES.join('|')}) ([A-Za-z0-9_.:/-]{1,100}) ([\\x21-\\x7e][\\x20-\\x7e]{0,199})$`,
);

/** Claims that everybody has, or that the issuer does not mean as a right: none of them gives a role by itself. */
const NO_RIGHTS = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'azp', 'typ', 'scope'];

/** An entry as the owner writes it. */
export function oidcRoleText({ role, claim, value }: OidcRole): string {
  return `${role} ${claim} ${value}`;
}

/** Which roles the claims of an issuer's tokens give. */
export const oidcRoles: ValueKind<readonly OidcRole[]> = kindOf(
  z.codec(
    z
      .array(
        z.string(WORDS).refine((text) => {
          const claim = ENTRY.exec(text)?.[2];
          return claim !== undefined && !NO_RIGHTS.includes(claim);
        }, WORDS),
        WORDS,
      )
      .max(ROLES_MAX, `must have at most ${ROLES_MAX} entries`),
    z.custom<readonly OidcRole[]>(),
    {
      decode: (texts) =>
        [...new Set(texts)].sort().map((text) => {
          const [, role, claim = '', value = ''] = ENTRY.exec(text) ?? [];
          return { role: role as AdminRole, claim, value };
        }),
      encode: (roles) => roles.map(oidcRoleText),
    },
  ),
  'as JSON',
);

const AUDIENCE_WORDS = 'must be none or one word, such as purser';
/** What a token has to be meant for. */
export const oidcAudience: ValueKind<string> = kindOf(
  z.string(AUDIENCE_WORDS).regex(/^[\x21-\x7e]{1,200}$/, AUDIENCE_WORDS),
  'as text',
);
