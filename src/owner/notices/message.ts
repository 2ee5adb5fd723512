import { createHmac } from 'node:crypto';
import type { Notice } from '../../ledger/books/notice.js';
import { formatUsd } from '../../money/decimal.js';
import type { HeaderList } from '../../net/headers.js';
import type { Channel } from './channel.js';
import { isAlarm, isQuestion, noticeWords } from './words.js';

/** What goes to the owner, before it is put into the form of a channel. */
export interface Message {
  readonly title: string;
  readonly lines: readonly string[];
  /** Where the owner looks and answers; null where they have no page that can be reached from elsewhere. */
  readonly url: string | null;
  readonly isUrgent: boolean;
  readonly notices: readonly Notice[];
}

/** A request that carries a message. */
export interface MessageRequest {
  readonly url: string;
  readonly headers: HeaderList;
  readonly body: string;
}

/** A message as mail. */
export interface MessageMail {
  readonly subject: string;
  readonly text: string;
}

/**
 * The message of one notice or of several. It says who, where and how much; nothing in it answers anything (T20): the link
 * leads to the owner's page, which lets in nobody by it.
 */
export function messageOf(notices: readonly Notice[], pageUrl: string | null): Message {
  const [first] = notices;
  const isOne = notices.length === 1 && first !== undefined;
  const path = isOne ? pathOf(first) : '/notices';
  return {
    title: isOne ? titleOf(first) : `Purser: ${notices.length} notices`,
    lines: notices.map(noticeWords),
    url: pageUrl === null ? null : pageUrl.replace(/\/$/, '') + path,
    isUrgent: notices.some((notice) => isAlarm(notice) || isQuestion(notice)),
    notices,
  };
}

/** Where the owner looks at it, and answers. */
function pathOf(notice: Notice): string {
  if (isQuestion(notice)) return `/approvals/${notice.subject ?? ''}`;
  return notice.kind === 'proposal' ? '/home' : '/notices';
}

function titleOf(notice: Notice): string {
  if (notice.kind === 'proposal') return 'Purser: it takes another owner';
  if (isQuestion(notice)) return 'Purser asks you';
  return isAlarm(notice) ? 'Purser: somebody tried your passphrase' : 'Purser';
}

/** A message by itself, to try a channel. */
export function testMessage(name: string, pageUrl: string | null): Message {
  return {
    title: 'Purser',
    lines: [`This is a test of the channel ${name}.`],
    url: pageUrl,
    isUrgent: false,
    notices: [],
  };
}

/**
 * What these take at most, in bytes, less some for the title: Discord 2,000 characters, Telegram 4,096, ntfy 4,096 bytes. A
 * message that a channel never takes would stand in front of all that comes behind it.
 */
const DISCORD_BYTES_MAX = 1_900;
const TELEGRAM_BYTES_MAX = 4_000;
const NTFY_BYTES_MAX = 4_096;

/** The text of a message: a line for each notice as far as they fit, and the link. */
function textOf({ lines, url }: Pick<Message, 'lines' | 'url'>, bytesMax = Infinity): string {
  for (let shown = lines.length; ; shown--) {
    const left = lines.length - shown;
    const parts = [
      ...lines.slice(0, shown),
      ...(left === 0 ? [] : [`And ${left} more.`]),
      ...(url === null ? [] : [url]),
    ];
    const text = parts.join('\n');
    if (shown === 0 || Buffer.byteLength(text) <= bytesMax) return text;
  }
}

/**
 * The request that carries a message by a channel. `secret` is what its owner gave: the path of a Slack or Discord webhook,
 * the token of a Telegram bot or of ntfy, the key that a webhook's receiver checks signatures with; `id` names the message,
 * the same at each try. Throws for a channel that needs a secret and has none, and for one that sends no request.
 */
export function requestOf(
  channel: Pick<Channel, 'kind' | 'url' | 'to'>,
  secret: string | null,
  message: Message,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): MessageRequest {
  const { kind, url, to } = channel;
  const base = url ?? '';
  switch (kind) {
    case 'webhook':
      return signedRequest(base, needed(secret), eventOf(message), { id, nowMs });
    case 'slack':
      // Slack reads `<`, `>` and `&` as its own signs; nothing of ours may become a mention.
      return json(under(base, needed(secret)), {
        text: escapeSlack(`*${message.title}*\n${textOf(message)}`),
      });
    case 'discord':
      return json(under(base, needed(secret)), {
        content: `**${message.title}**\n${textOf(message, DISCORD_BYTES_MAX)}`,
        allowed_mentions: { parse: [] },
      });
    case 'telegram':
      return json(under(base, `/bot${needed(secret)}/sendMessage`), {
        chat_id: to,
        text: `${message.title}\n${textOf(message, TELEGRAM_BYTES_MAX)}`,
        link_preview_options: { is_disabled: true },
        disable_notification: !message.isUrgent,
      });
    case 'ntfy':
      return {
        url: base,
        headers: [
          ['content-type', 'text/plain; charset=utf-8'],
          ['title', message.title],
          ['priority', message.isUrgent ? 'high' : 'default'],
          ...(message.url === null ? [] : ([['click', message.url]] as const)),
          ...(secret === null ? [] : ([['authorization', `Bearer ${secret}`]] as const)),
        ],
        body: textOf({ lines: message.lines, url: null }, NTFY_BYTES_MAX),
      };
    case 'desktop':
    case 'email':
      throw new Error(`A channel of kind ${kind} sends no request.`);
  }
}

/** The mail that carries a message. */
export function mailOf(message: Message): MessageMail {
  const { title, lines } = message;
  return { subject: lines.length === 1 ? `${title}: ${lines[0] ?? ''}` : title, text: textOf(message) };
}

/** An event of a webhook: the notice by its fields. Receivers know by `seq` what they had, and what comes before what. */
function eventOf(message: Message): object {
  const [notice] = message.notices;
  const { url } = message;
  if (notice === undefined) return { event: 'test', text: message.lines[0], url };
  const { seq, kind, atMs, agent, host, usdMicros, subject, facts } = notice;
  const { percent, max_usd_micros: max, expires_ms: expires, wrong, by } = facts;
  return {
    event: kind,
    seq,
    at: new Date(atMs).toISOString(),
    text: noticeWords(notice),
    ...{ agent, host, usd: usdMicros === null ? null : formatUsd(usdMicros), subject, url },
    ...(percent === undefined ? {} : { percent: Number(percent), max_usd: formatUsd(BigInt(max ?? 0)) }),
    ...(expires === undefined ? {} : { expires_at: new Date(Number(expires)).toISOString() }),
    ...(by === undefined ? {} : { by }),
    ...(wrong === undefined ? {} : { wrong: Number(wrong) }),
  };
}

/** What a key for signatures begins with; base64 stands behind it. */
export const SIGNING_PREFIX = 'whsec_';

/**
 * Signs as Standard Webhooks 1 has it: HMAC-SHA256 over the id, the time and the body, so that nobody can make one up, change
 * one, or send an old one again.
 */
function signedRequest(
  url: string,
  secret: string,
  event: object,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): MessageRequest {
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(nowMs / 1000));
  const key = Buffer.from(
    secret.startsWith(SIGNING_PREFIX) ? secret.slice(SIGNING_PREFIX.length) : secret,
    'base64',
  );
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    url,
    headers: [
      ['content-type', 'application/json'],
      ['webhook-id', id],
      ['webhook-timestamp', timestamp],
      ['webhook-signature', `v1,${signature}`],
    ],
    body,
  };
}

function json(url: string, body: object): MessageRequest {
  return { url, headers: [['content-type', 'application/json']], body: JSON.stringify(body) };
}

/** What is secret of an address stands behind what the settings have of it, and leads to no other host. */
function under(base: string, secretPath: string): string {
  return new URL(base).origin + (secretPath.startsWith('/') ? secretPath : `/${secretPath}`);
}

function needed(secret: string | null): string {
  if (secret === null) throw new Error('What is secret of the channel is not kept here.');
  return secret;
}

function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
