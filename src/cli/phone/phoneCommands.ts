import type { CommandEntry } from '../command.js';
import { FACTOR_FLAG, OWNER_FLAG, PASSPHRASE_FLAG } from '../terminal/flags.js';

const LISTEN = [
  {
    flags: '--listen <host:port>',
    summary: 'Where to listen. Default: 127.0.0.1:4403, for a tunnel of yours on this machine.',
  },
  { flags: '--tls-cert <file>', summary: 'Certificate chain in PEM, for the name in owner_page.url.' },
  { flags: '--tls-key <file>', summary: 'Its key in PEM.' },
] as const;

/** The owner's page on their phone. */
export const phoneCommands = [
  {
    name: 'phone serve',
    group: 'Approve',
    isDefault: true,
    summary: 'Serve your page to your phone, until Ctrl-C. Same as phone.',
    details:
      'Set owner_page.url first: a name of yours with TLS, by your network or a tunnel. The page asks for a passkey of the phone before it shows anything, and again for each yes.',
    flags: [...LISTEN, PASSPHRASE_FLAG],
    examples: ['phone serve', 'phone serve --listen 0.0.0.0:4403 --tls-cert C --tls-key K'],
    load: () => import('./phoneServe.js'),
  },
  {
    name: 'phone add',
    group: 'Approve',
    summary: 'Add a passkey of your phone by a QR code, then serve the page. Requires your factor.',
    details:
      'Scan the code with the phone, and type there the code that stands below it. Stop phone serve first.',
    flags: [
      { flags: '--label <text>', summary: 'A name for it in lists.' },
      OWNER_FLAG,
      ...LISTEN,
      FACTOR_FLAG,
      PASSPHRASE_FLAG,
    ],
    examples: ['phone add --label "my phone"'],
    load: () => import('./phoneAdd.js'),
  },
] as const satisfies readonly CommandEntry[];
