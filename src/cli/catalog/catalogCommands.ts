import type { CommandEntry } from '../command.js';
import { JSON_FLAG, OPENS, readNetwork } from '../terminal/flags.js';

/** Catalogues, and searching them. */
export const catalogCommands = [
  {
    name: 'catalog list',
    group: 'Set up',
    isDefault: true,
    summary: 'List the catalogues that discover searches. Same as catalog. Needs no keys.',
    flags: [JSON_FLAG],
    examples: ['catalog'],
    load: () => import('./catalogList.js'),
  },
  {
    name: 'catalog sync',
    group: 'Set up',
    summary: 'Fetch all catalogues, or one of them.',
    details: 'An interrupted run continues where it stopped. Unchanged lists are not fetched again.',
    args: [{ name: '[url]', summary: 'One of the catalogues. Default: all.' }],
    flags: OPENS,
    examples: ['catalog sync', 'catalog sync --json'],
    load: () => import('./catalogSync.js'),
  },
  {
    name: 'catalog add',
    group: 'Set up',
    summary: 'Add a catalogue: a list, an OpenAPI document, or a site.',
    args: [{ name: '<url>', summary: 'Such as https://example.com/discovery/resources.' }],
    flags: OPENS,
    examples: ['catalog add https://facilitator.example.com/discovery/resources'],
    load: () => import('./catalogAdd.js'),
  },
  {
    name: 'catalog remove',
    group: 'Set up',
    summary: 'Remove a catalogue.',
    args: [{ name: '<url>', summary: 'One of the catalogues.' }],
    flags: OPENS,
    examples: ['catalog remove https://facilitator.example.com/discovery/resources'],
    load: () => import('./catalogRemove.js'),
  },
  {
    name: 'catalog stats',
    group: 'Set up',
    summary: 'Show how many endpoints the catalogues list. Needs no keys.',
    flags: [JSON_FLAG],
    examples: ['catalog stats --json'],
    load: () => import('./catalogStats.js'),
  },
  {
    name: 'discover',
    group: 'Pay',
    summary: 'Find paid endpoints, or list those of one site.',
    details: 'Searches the fetched catalogues on this machine. Nobody learns what you search for.',
    args: [{ name: '[need]', summary: 'What you need, in plain words. Omit it with --origin.' }],
    flags: [
      { flags: '--origin <url>', summary: 'List the endpoints of this site, read live.' },
      { flags: '--max-usd <usd>', summary: 'The most one call may cost, such as 0.02.' },
      {
        flags: '--network <name...>',
        read: readNetwork,
        summary: 'Network to pay on, or any. Default: the enabled networks. Repeatable.',
      },
      { flags: '--protocol <name>', summary: 'Only what is listed with it: x402, mpp or l402.' },
      { flags: '--category <name>', summary: 'One category, such as weather.' },
      { flags: '--limit <n>', summary: 'Number of results. Default 10, at most 25.' },
      { flags: '--cursor <cursor>', summary: 'Continue after the page that printed this cursor.' },
      { flags: '--full', summary: 'Also show schemas, payees, usage and other endpoints.' },
      ...OPENS,
    ],
    examples: [
      'discover "company data from a web domain" --max-usd 0.02',
      'discover --origin api.example.com',
    ],
    load: () => import('./discover.js'),
  },
] as const satisfies readonly CommandEntry[];
