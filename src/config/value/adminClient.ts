import { z } from 'zod';
import { kindOf, type ValueKind } from './kind.js';

/** What a client of the admin API may do; each may do all that those before it may. */
export const ADMIN_ROLES = ['viewer', 'operator', 'approver', 'owner'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** A client of the admin API as the owner's settings have it. Nothing secret: of its token there is only the hash. */
export interface AdminClientTerms {
  readonly role: AdminRole;
  /** The last day, in UTC, such as `2027-03-31`. */
  readonly until: string;
  /** SHA-256 of the token, hex. */
  readonly tokenHash: string;
}

const WORDS = `must be none or a JSON list of a role (${ADMIN_ROLES.join(', ')}), a day and the SHA-256 of a token in hex`;
const FIELDS = z.tuple([
  z.enum(ADMIN_ROLES, WORDS),
  z.iso.date(WORDS),
  z.string(WORDS).regex(/^[0-9a-f]{64}$/, WORDS),
]);

/** A client of the admin API. */
export const adminClient: ValueKind<AdminClientTerms> = kindOf(
  z.codec(
    z.array(z.string(WORDS), WORDS).refine((list) => FIELDS.safeParse(list).success, WORDS),
    z.custom<AdminClientTerms>(),
    {
      decode: (list) => {
        const [role, until, tokenHash] = FIELDS.parse(list);
        return { role, until, tokenHash };
      },
      encode: ({ role, until, tokenHash }) => [role, until, tokenHash],
    },
  ),
  'as JSON',
);
