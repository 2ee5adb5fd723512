import type { CommandEntry } from '../command.js';
import { TOKEN_FLAG } from '../agents/agentCommands.js';
import { OWNS } from '../terminal/flags.js';

const NAME = { name: '<name>', summary: 'Name of the client: lower-case letters, digits and hyphens.' };

/** The clients of the admin API. */
export const adminCommands = [
  {
    name: 'admin add',
    group: 'Agents',
    summary: 'Add a client of the admin API with a token of its own. Requires owner authentication.',
    details:
      'viewer reads; operator also freezes, suspends, denies and tightens; approver also says yes, and owner also replaces agents’ tokens, each with your passkey for what was shown. purser serve answers at /admin/v1 once admin.on is true.',
    args: [NAME],
    flags: [
      { flags: '--role <role>', summary: 'viewer, operator, approver or owner.' },
      { flags: '--days <days>', summary: 'Days that the token is good for. Default: 90.' },
      TOKEN_FLAG,
      ...OWNS,
    ],
    examples: ['admin add dashboard --role viewer', 'admin add ops --role operator --token-file ops.token'],
    load: () => import('./adminAdd.js'),
  },
  {
    name: 'admin list',
    group: 'Agents',
    isDefault: true,
    summary: 'List the clients of the admin API. Same as admin.',
    flags: [{ flags: '--json', summary: 'Print JSON, including errors.' }],
    examples: ['admin'],
    load: () => import('./adminList.js'),
  },
  {
    name: 'admin remove',
    group: 'Agents',
    summary: 'Remove a client of the admin API: its token opens nothing any more.',
    args: [NAME],
    flags: OWNS,
    examples: ['admin remove dashboard'],
    load: () => import('./adminRemove.js'),
  },
] as const satisfies readonly CommandEntry[];
