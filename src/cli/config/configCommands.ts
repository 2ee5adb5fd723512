import type { CommandEntry } from '../command.js';
import { AGENT_FLAG, JSON_FLAG, OPENS, OWNS } from '../terminal/flags.js';

/** Reading and changing the settings. */
export const configCommands = [
  {
    name: 'config get',
    group: 'Set up',
    summary: 'Show one setting or all settings.',
    args: [{ name: '[key]', summary: 'A key such as limits.per_day_usd.' }],
    flags: [JSON_FLAG],
    examples: ['config get', 'config get limits.per_day_usd'],
    load: () => import('./configGet.js'),
  },
  {
    name: 'config set',
    group: 'Set up',
    summary: 'Change one setting. Raising a limit requires owner authentication.',
    details:
      'A change that loosens the wallet needs your factor. While there is no factor, it needs the unlock passphrase, typed or by --passphrase-file (file keystore), or a terminal (keychain). A change that tightens needs only the unlocked wallet.',
    args: [
      { name: '<key>', summary: 'A key such as limits.per_day_usd.' },
      { name: '<value>', summary: 'Dollars as decimal text, lists as JSON, none for no value.' },
    ],
    flags: OWNS,
    examples: [
      'config set limits.per_day_usd 3.00',
      `config set hosts.allow '["api.example.com"]'`,
      'config set limits.hosts.api.example.com.per_day_usd 1.00',
    ],
    appendix: async () => (await import('./configKey.js')).keysHelp(),
    load: () => import('./configSet.js'),
  },
  {
    name: 'config add',
    group: 'Set up',
    summary: 'Add one entry to a list. What loosens the wallet requires owner authentication.',
    args: [
      { name: '<key>', summary: 'A list such as hosts.deny, net.allow_private or networks.enabled.' },
      { name: '<entry>', summary: 'The entry to add.' },
    ],
    flags: OWNS,
    examples: ['config add hosts.deny expensive.example', 'config add networks.enabled eip155:137'],
    load: async () => {
      const { changeEntry } = await import('./configEntry.js');
      return { run: (call) => changeEntry(call, 'add') };
    },
  },
  {
    name: 'config remove',
    group: 'Set up',
    summary: 'Remove one entry from a list. What loosens the wallet requires owner authentication.',
    args: [
      { name: '<key>', summary: 'A list such as hosts.deny.' },
      { name: '<entry>', summary: 'The entry to remove.' },
    ],
    flags: OWNS,
    examples: ['config remove hosts.deny expensive.example'],
    load: async () => {
      const { changeEntry } = await import('./configEntry.js');
      return { run: (call) => changeEntry(call, 'remove') };
    },
  },
  {
    name: 'config edit',
    group: 'Set up',
    summary: 'Edit config.json in your editor, then review and accept the change.',
    details: 'Uses VISUAL or EDITOR. What you do not accept is put back.',
    flags: OWNS,
    examples: ['config edit'],
    load: () => import('./configEdit.js'),
  },
  {
    name: 'config accept',
    group: 'Set up',
    summary: 'Review and accept a change made to config.json by hand.',
    flags: [{ flags: '--yes', summary: 'Accept without a prompt.' }, ...OWNS],
    examples: ['config accept'],
    load: () => import('./configAccept.js'),
  },
  {
    name: 'config path',
    group: 'Set up',
    summary: 'Print the path of config.json.',
    flags: [JSON_FLAG],
    examples: ['config path'],
    load: () => import('./configPath.js'),
  },
] as const satisfies readonly CommandEntry[];

/** What the limits leave. */
export const limitsCommands = [
  {
    name: 'limits',
    group: 'Look',
    summary: 'Show each limit and what is left of it.',
    flags: [AGENT_FLAG, ...OPENS],
    examples: ['limits'],
    load: () => import('./limits.js'),
  },
] as const satisfies readonly CommandEntry[];
