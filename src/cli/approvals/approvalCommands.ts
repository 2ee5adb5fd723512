import type { CommandEntry } from '../command.js';
import { OWNER_FLAG, PASSPHRASE_FLAG, OPENS, OWNS } from '../terminal/flags.js';

/** Answering what agents ask, and proving to be the owner. */
export const approvalCommands = [
  {
    name: 'open',
    group: 'Approve',
    summary: 'Show pending approvals in your browser, until Ctrl-C.',
    details: 'BROWSER names another program to open the page, or none.',
    flags: [PASSPHRASE_FLAG],
    examples: ['open'],
    load: () => import('./open.js'),
  },
  {
    name: 'approvals list',
    group: 'Approve',
    isDefault: true,
    summary: 'List pending approvals. Same as approvals.',
    flags: [{ flags: '--recent', summary: 'Show answered and expired approvals instead.' }, ...OPENS],
    examples: ['approvals', 'approvals list --recent --json'],
    load: () => import('./approvalsList.js'),
  },
  {
    name: 'approvals show',
    group: 'Approve',
    summary: 'Show one approval in full.',
    args: [{ name: '<id>', summary: 'An approval id.' }],
    flags: OPENS,
    examples: ['approvals show apv_0123456789abcdef0123'],
    load: () => import('./approvalsShow.js'),
  },
  {
    name: 'approvals approve',
    group: 'Approve',
    summary: 'Approve one payment. Requires your factor.',
    args: [{ name: '<id>', summary: 'An approval id.' }],
    flags: [
      { flags: '--session-usd <usd>', summary: "Also raise this session's cap to this amount." },
      { flags: '--payee', summary: 'Also stop asking about this payee at this origin.' },
      { flags: '--yes', summary: 'Skip the confirmation prompt.' },
      ...OWNS,
    ],
    examples: [
      'approvals approve apv_0123456789abcdef0123',
      'approvals approve apv_0123456789abcdef0123 --factor-file F --json',
    ],
    load: () => import('./approvalsApprove.js'),
  },
  {
    name: 'approvals deny',
    group: 'Approve',
    summary: 'Decline one payment. Needs only the unlocked wallet.',
    args: [{ name: '<id>', summary: 'An approval id.' }],
    flags: [{ flags: '--block-host', summary: 'Also block the host from now on.' }, ...OWNS],
    examples: ['approvals deny apv_0123456789abcdef0123'],
    load: () => import('./approvalsDeny.js'),
  },
  {
    name: 'factor add',
    group: 'Approve',
    summary: 'Add an owner passphrase or a passkey, which proves that you are the owner.',
    details:
      'A passkey is the safer one: any program on this computer can serve a page at a port of localhost that asks for a passphrase, so type yours only on a page that Purser opened, or in a terminal where you started purser. A passkey answers to no other page than Purser’s. The owner passphrase must differ from the unlock passphrase. If a factor exists, present it; otherwise prove ownership as for raising a limit.',
    args: [{ name: '<kind>', summary: 'passphrase or passkey.' }],
    flags: [
      { flags: '--factor-file <file>', summary: 'File with the new owner passphrase. Default: you type it.' },
      {
        flags: '--current-factor-file <file>',
        summary: 'File with an existing owner passphrase. Default: you type it.',
      },
      { flags: '--label <text>', summary: 'A name for it in lists.' },
      OWNER_FLAG,
      ...OPENS,
    ],
    examples: [
      'factor add passphrase',
      'factor add passkey --label "laptop"',
      'factor add passkey --owner ada',
    ],
    load: () => import('./factorAdd.js'),
  },
  {
    name: 'factor list',
    group: 'Approve',
    isDefault: true,
    summary: 'List the factors. Same as factor.',
    flags: OPENS,
    examples: ['factor list'],
    load: () => import('./factorList.js'),
  },
  {
    name: 'factor remove',
    group: 'Approve',
    summary: 'Remove a factor. Requires a factor.',
    args: [{ name: '<id>', summary: 'A factor id.' }],
    flags: OWNS,
    examples: ['factor remove fac_0123456789abcdef0123'],
    load: () => import('./factorRemove.js'),
  },
] as const satisfies readonly CommandEntry[];
