import type { CommandEntry } from '../command.js';
import { OPENS, OWNS } from '../terminal/flags.js';

const NAME = { name: '<name>', summary: 'Name of the channel: lower-case letters, digits and hyphens.' };

/** What the owner is told, and how. */
export const noticeCommands = [
  {
    name: 'notices',
    group: 'Look',
    summary: 'Show what you were told: caps nearly used up, money lost, wrong passphrases, new clients.',
    flags: [
      { flags: '--unseen', summary: 'Only what nobody saw yet.' },
      { flags: '--seen', summary: 'Mark what is shown as seen.' },
      { flags: '--json', summary: 'Print JSON, including errors.' },
    ],
    examples: ['notices', 'notices --unseen --seen'],
    load: () => import('./notices.js'),
  },
  {
    name: 'notify add',
    group: 'Approve',
    summary: 'Be told by chat, mail, desktop or a program of yours. Requires owner authentication.',
    details:
      'What is secret (a webhook’s URL, a token, a password) is asked for, or read from stdin, and kept sealed. A webhook’s messages are signed as Standard Webhooks has it; the key is shown once. A message says who asks, how much and where; nobody can answer by it.',
    args: [NAME],
    flags: [
      {
        flags: '--kind <kind>',
        summary: 'desktop, webhook, slack, discord, telegram, ntfy or email.',
      },
      { flags: '--url <url>', summary: 'Where to send: an https URL, or smtps://host for mail.' },
      { flags: '--to <whom>', summary: 'An address of mail, or the chat of Telegram.' },
      { flags: '--from <address>', summary: 'The address that mail is from.' },
      { flags: '--user <name>', summary: 'Your name at the mail server; its password is asked for.' },
      { flags: '--token', summary: 'Ask for an access token of ntfy.' },
      { flags: '--tells <kinds>', summary: 'Only these kinds, as a JSON list, such as ["approval","lost"].' },
      { flags: '--escalate-min <minutes>', summary: 'Send only what you neither saw nor answered by then.' },
      { flags: '--digest-min <minutes>', summary: 'Collect what is not urgent over so many minutes.' },
      ...OWNS,
    ],
    examples: [
      'notify add phone --kind ntfy --url https://ntfy.sh/some-long-topic',
      'notify add team --kind slack < webhook-url.txt',
      'notify add mail --kind email --url smtps://smtp.example.com --from me@example.com --to me@example.com --user me',
    ],
    load: () => import('./notifyAdd.js'),
  },
  {
    name: 'notify list',
    group: 'Approve',
    isDefault: true,
    summary: 'List your channels and how they stand. Same as notify.',
    flags: [{ flags: '--json', summary: 'Print JSON, including errors.' }],
    examples: ['notify'],
    load: () => import('./notifyList.js'),
  },
  {
    name: 'notify test',
    group: 'Approve',
    summary: 'Send a test by one channel now.',
    args: [NAME],
    flags: OPENS,
    examples: ['notify test phone'],
    load: () => import('./notifyTest.js'),
  },
  {
    name: 'notify replay',
    group: 'Approve',
    summary: 'Send notices by one channel once more, for a receiver that missed some.',
    args: [NAME],
    flags: [
      { flags: '--from <number>', summary: 'The first notice, by its number. Default: all.' },
      ...OPENS,
    ],
    examples: ['notify replay books --from 120'],
    load: () => import('./notifyReplay.js'),
  },
  {
    name: 'notify remove',
    group: 'Approve',
    summary: 'Remove a channel. Requires owner authentication.',
    args: [NAME],
    flags: OWNS,
    examples: ['notify remove phone'],
    load: () => import('./notifyRemove.js'),
  },
] as const satisfies readonly CommandEntry[];
