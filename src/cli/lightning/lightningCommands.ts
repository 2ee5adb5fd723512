import type { CommandEntry } from '../command.js';
import { NETWORK_FLAG_ONE, OPENS, OWNS } from '../terminal/flags.js';

/** The owner's Lightning wallet. */
export const lightningCommands = [
  {
    name: 'lightning connect',
    group: 'Set up',
    summary: 'Connect a Lightning wallet to pay from. Reads its connection string from stdin.',
    details:
      'Takes a nostr+walletconnect: string (Nostr Wallet Connect) or an lndconnect: string (REST of LND). Make one that permits paying, looking up and reading the balance, with a budget of its own. What it permits is shown before you confirm; the string is kept sealed by the keystore. Enable the network and say what a bitcoin is worth (rates.source) to use it.',
    flags: [NETWORK_FLAG_ONE, ...OWNS],
    examples: ['lightning connect < connection.txt'],
    load: () => import('./lightningConnect.js'),
  },
  {
    name: 'lightning show',
    group: 'Set up',
    summary: 'Show the connected Lightning wallet: balance, permissions and budget.',
    flags: OPENS,
    examples: ['lightning show'],
    load: () => import('./lightningShow.js'),
  },
  {
    name: 'lightning disconnect',
    group: 'Set up',
    summary: 'Forget the connected Lightning wallet. Requires owner authentication.',
    flags: OWNS,
    examples: ['lightning disconnect'],
    load: () => import('./lightningDisconnect.js'),
  },
] as const satisfies readonly CommandEntry[];
