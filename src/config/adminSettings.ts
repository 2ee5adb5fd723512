import { permittedByName } from './direction.js';
import { perName, single } from './setting.js';
import { adminClient } from './value/adminClient.js';
import { flag } from './value/choice.js';
import { readClientName } from './value/name.js';

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
