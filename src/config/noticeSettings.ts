import { CENT } from './defaults.js';
import { ownerOnly, ownerOnlyByName } from './direction.js';
import { perName, single, type Setting } from './setting.js';
import { hoursOfDay, minutes, usd } from './value/amount.js';
import { channelKind, toldKinds } from './value/choice.js';
import type { ValueKind } from './value/kind.js';
import { channelWord, readChannelName } from './value/name.js';
import { channelUrl, pageUrl } from './value/url.js';

/** Who is told of what is the owner's word in both directions: an agent must neither add an ear nor take one away. */
function ofChannel<Value>(
  end: string,
  kind: ValueKind<Value>,
  summary: string,
): Setting<ReadonlyMap<string, Value>> {
  const key = `notices.channels.<channel>.${end}`;
  return perName({ key, readName: readChannelName, kind, compare: ownerOnlyByName, summary });
}

/** What the owner is told of, how, and where they look from elsewhere. Rows of {@link SETTINGS}. */
export const NOTICE_SETTINGS = {
  ownerPage: {
    url: single({
      key: 'owner_page.url',
      kind: pageUrl,
      initial: () => 'none',
      none: 'none',
      compare: ownerOnly,
      summary:
        'Where your phone reaches your page, such as https://wallet.example.com:4403: a name of yours with TLS, by your network or a tunnel. Passkeys of the phone are bound to it, and messages link to it.',
    }),
  },
  notices: {
    moneyLowUsdMicros: single({
      key: 'notices.money_low_usd',
      kind: usd,
      initial: () => 100n * CENT,
      compare: ownerOnly,
      summary: 'You are told when an agent that pays has less left than this. 0: never.',
    }),
    quietHours: single({
      key: 'notices.quiet_hours',
      kind: hoursOfDay,
      initial: () => 'none',
      none: 'none',
      compare: ownerOnly,
      summary:
        'Hours in which channels are silent, such as 22:00-07:00 by this machine’s clock; what came meanwhile follows in one message. Unsuccessful tries of your passphrase are told at once.',
    }),
    kinds: ofChannel(
      'kind',
      channelKind,
      'What the channel is. Set with its secret by the command that adds it; none removes the channel.',
    ),
    urls: ofChannel(
      'url',
      channelUrl,
      'Where the channel’s messages are sent. What is secret of it is kept sealed, and not here.',
    ),
    tos: ofChannel(
      'to',
      channelWord,
      'Whom its messages are for: an address of mail, or the chat of Telegram.',
    ),
    froms: ofChannel('from', channelWord, 'The address that its mail is from.'),
    users: ofChannel('user', channelWord, 'The user’s name at its mail server.'),
    tells: ofChannel('tells', toldKinds, 'The kinds of notices that it sends, as a JSON list. none: all.'),
    escalateMinutes: ofChannel(
      'escalate_min',
      minutes,
      'Minutes after which it sends what you neither saw nor answered until then. none: at once, as unsuccessful tries of your passphrase always are.',
    ),
    digestMinutes: ofChannel(
      'digest_min',
      minutes,
      'Minutes over which it collects what is not urgent into one message. none: one message each.',
    ),
  },
} as const;
