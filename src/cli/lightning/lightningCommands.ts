import type { CommandEntry, CommandFlag } from '../command.js';
import { NETWORK_FLAG_ONE, OPENS, OWNS } from '../terminal/flags.js';

const QR_FLAG = {
  flags: '--qr <file>',
  summary: 'A PNG or JPEG with the QR code that the wallet shows. Default: stdin.',
} as const satisfies CommandFlag;
const LEAVE_OPEN_FLAG = {
  flags: '--leave-open',
  summary: 'Go on although payments are open that only the wallet before can tell of. They stay held.',
} as const satisfies CommandFlag;

/** The owner's Lightning wallet. */
export const lightningCommands = [
  {
    name: 'lightning connect',
    group: 'Set up',
    summary:
      'Connect a Lightning wallet to pay from. Reads its connection string, or a picture of it, from stdin.',
    details:
      'Takes a nostr+walletconnect: string (Nostr Wallet Connect) or an lndconnect: string (REST of LND), as text or as a QR code in a PNG or JPEG. Make one that permits paying, looking up and reading the balance, with a budget of its own. What it permits is shown before you confirm; the string is kept sealed by the keystore. Enable the network and say what a bitcoin is worth (rates.source) to use it.',
    flags: [QR_FLAG, NETWORK_FLAG_ONE, LEAVE_OPEN_FLAG, ...OWNS],
    examples: ['lightning connect < connection.txt', 'lightning connect --qr connection.png'],
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
    flags: [LEAVE_OPEN_FLAG, ...OWNS],
    examples: ['lightning disconnect'],
    load: () => import('./lightningDisconnect.js'),
  },
  {
    name: 'lightning count',
    group: 'Stop and check',
    summary:
      'Count a payment as paid whose Lightning wallet cannot tell its end. Requires owner authentication.',
    details:
      'For a wallet that says it paid and shows no proof, and for one that is gone. All that was held counts as paid, and its invoice is never paid again. Where the wallet says nothing, it can be done once nobody can still be paid by the invoice: 15 days after that ended.',
    args: [{ name: '<id>', summary: 'A payment id.' }],
    flags: OWNS,
    examples: ['lightning count pay_0123456789abcdef0123'],
    load: () => import('./lightningCount.js'),
  },
] as const satisfies readonly CommandEntry[];
