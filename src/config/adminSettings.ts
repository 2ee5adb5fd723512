import { permittedByName, permittedDirection, type Direction } from './direction.js';
import { perName, single } from './setting.js';
import { adminClient } from './value/adminClient.js';
import { flag } from './value/choice.js';
import { readClientName } from './value/name.js';
import { oidcAudience, oidcRoles, oidcRoleText } from './value/oidc.js';
import { issuerUrl } from './value/url.js';

/** One that is taken away lets nobody in. */
function byOwner(before: string, after: string): Direction {
  return before === after ? 'same' : after === 'none' ? 'tightens' : 'loosens';
}

/** Programs that look after the wallet by its admin API. Rows of {@link SETTINGS}. */
export const ADMIN_SETTINGS = {
  admin: {
    isOn: single({
      key: 'admin.on',
      kind: flag,
      initial: () => false,
      compare: (before, after) => (before === after ? 'same' : after ? 'loosens' : 'tightens'),
      summary:
        'Whether the HTTP server answers at /admin/v1, to your clients of admin.clients alone. What loosens takes your passkey there, too.',
    }),
    // Who the issuer says comes in, so the owner says who the issuer is, whichever way that changes.
    oidcIssuer: single({
      key: 'admin.oidc.issuer',
      kind: issuerUrl,
      initial: () => 'none',
      none: 'none',
      compare: byOwner,
      summary:
        'Whose OpenID Connect tokens the admin API takes beside its clients’, as its address says it. None of them counts as your factor. none: nobody’s.',
    }),
    oidcAudience: single({
      key: 'admin.oidc.audience',
      kind: oidcAudience,
      initial: () => 'none',
      none: 'none',
      compare: byOwner,
      summary: 'What these tokens have to be meant for (aud). none: no token is taken.',
    }),
    oidcRoles: single({
      key: 'admin.oidc.roles',
      kind: oidcRoles,
      initial: () => [],
      compare: (before, after) => permittedDirection(before.map(oidcRoleText), after.map(oidcRoleText)),
      summary:
        'Which role a claim of such a token gives, as a JSON list, such as ["viewer groups staff", "operator groups wallet-ops"]. The highest one counts; a token without any opens nothing.',
    }),
    clients: perName({
      key: 'admin.clients.<client>.access',
      readName: readClientName,
      kind: adminClient,
      compare: permittedByName,
      summary:
        'A client of the admin API, as a JSON list of its role, its last day in UTC and the SHA-256 of its token. Set by the command that makes the token; none takes it away.',
    }),
  },
} as const;
