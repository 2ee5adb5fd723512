import type { CommandEntry } from '../command.js';
import {
  AGENT_FLAG,
  JSON_FLAG,
  NETWORK_FLAG,
  NETWORK_FLAG_ONE,
  OPENS,
  OWNS,
  UNLOCK_FLAG,
} from '../terminal/flags.js';

/** Money in and out. */
export const fundCommands = [
  {
    name: 'address',
    group: 'Set up',
    summary: 'Print the address to fund on each network.',
    details:
      'Asks for nothing. While the keys are locked it prints the addresses noted beside the wallet and says that no key proved them. Send no money to those: prove them with --unlock first.',
    flags: [NETWORK_FLAG, AGENT_FLAG, UNLOCK_FLAG, ...OPENS],
    examples: ['address', 'address --network eip155:8453 --json'],
    load: () => import('./address.js'),
  },
  {
    name: 'fund',
    group: 'Fund',
    summary: 'Show where to send money, with a QR code, and optionally wait for it.',
    details:
      'Asks for nothing. While the keys are locked it shows the addresses noted beside the wallet, without a QR code, since no key proved them.',
    flags: [
      NETWORK_FLAG,
      AGENT_FLAG,
      UNLOCK_FLAG,
      { flags: '--wait', summary: 'Wait until money arrives, for at most one hour.' },
      {
        flags: '--sat <amount>',
        summary: 'Satoshi of an invoice that fills the connected Lightning wallet.',
      },
      ...OPENS,
    ],
    examples: ['fund', 'fund --network eip155:8453 --wait', 'fund --agent researcher --wait'],
    load: () => import('./fund.js'),
  },
  {
    name: 'withdraw',
    group: 'Fund',
    summary: 'Send money to an address of yours. Requires owner authentication.',
    details:
      'No agent can withdraw. A withdrawal counts toward no limit and works while the wallet is frozen. It needs no gas where the facilitator in withdrawals.facilitator_url supports the network. Otherwise your address pays the gas, including creating the recipient’s token account on Solana. Money held for open payments stays. If the command was interrupted, run it again: it continues the same transfer and never starts a second one.',
    flags: [
      { flags: '--to <address>', summary: 'Your own address, EVM or Solana.' },
      { flags: '--usd <usd>', summary: 'Amount in dollars, such as 12.50.' },
      { flags: '--all', summary: 'Everything that is not held, to the last unit.' },
      NETWORK_FLAG_ONE,
      {
        flags: '--asset <symbol>',
        summary: 'Which token, where a network has several. Default: the first.',
      },
      {
        flags: '--include-held',
        summary: 'Also take money held for open payments. Those payments then fail.',
      },
      { flags: '--off-curve', summary: 'Allow a Solana address that has no key, such as your vault.' },
      {
        flags: '--repeat',
        summary: 'Send again although the facilitator reported success. Use only if the money never arrived.',
      },
      { flags: '--yes', summary: 'Skip the confirmation prompt.' },
      AGENT_FLAG,
      ...OWNS,
    ],
    examples: [
      'withdraw --to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --usd 12.50',
      'withdraw --to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --all --network eip155:8453 --yes --factor-file F',
    ],
    load: () => import('./withdraw.js'),
  },
] as const satisfies readonly CommandEntry[];

/** Stopping payments, all or those to one seller. */
export const stopCommands = [
  {
    name: 'freeze',
    group: 'Stop and check',
    summary: 'Stop all signing and sending at once, in every process. Needs no keys.',
    flags: [JSON_FLAG],
    examples: ['freeze'],
    load: () => import('./freeze.js'),
  },
  {
    name: 'unfreeze',
    group: 'Stop and check',
    summary: 'Let agents pay again. Requires owner authentication.',
    flags: OWNS,
    examples: ['unfreeze'],
    load: () => import('./unfreeze.js'),
  },
  {
    name: 'pauses list',
    group: 'Stop and check',
    isDefault: true,
    summary: 'List paused sellers. Same as pauses.',
    details:
      'A seller that takes a payment and asks for another, or claims one that never settled, is not paid for ten minutes, and longer each time it happens again.',
    flags: OPENS,
    examples: ['pauses'],
    load: () => import('./pausesList.js'),
  },
  {
    name: 'pauses end',
    group: 'Stop and check',
    summary: 'End a seller’s pause. Requires owner authentication.',
    args: [{ name: '<host>', summary: 'A host, a host:port, or an origin as shown by pauses list.' }],
    flags: OWNS,
    examples: ['pauses end api.example.com'],
    load: () => import('./pausesEnd.js'),
  },
] as const satisfies readonly CommandEntry[];
