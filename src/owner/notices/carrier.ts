import { hash } from 'node:crypto';
import type { Config } from '../../config/settings.js';
import { readBody } from '../../net/body.js';
import type { Deadline } from '../../net/call.js';
import { MailFailure, sendMail, type MailSettings } from '../../net/mail.js';
import { NetFailure } from '../../net/failure.js';
import { createNet } from '../../net/send.js';
import { parseCallUrl } from '../../net/destination/url.js';
import { isLoopback } from '../../config/host.js';
import { isWalletError } from '../../errors/walletError.js';
import type { Channel } from './channel.js';
import { mailOf, requestOf, type Message } from './message.js';

/** A channel takes a message within this, or it is tried again. */
const DEADLINE: Deadline = { connectMs: 8_000, firstByteMs: 12_000, wholeMs: 15_000 };
/** Nothing of an answer is used. */
const ANSWER_BYTES_MAX = 4_096;

/** What carries messages: the parts of the process and of the network that a channel needs. */
export interface CarrierParts {
  readonly version: string;
  /** Shows a line on the desktop of this machine; false where it has none. */
  readonly showDesktop: (text: string) => Promise<boolean>;
  /** The wall clock. */
  readonly now: () => number;
  /** Tests name hosts, and trust a certificate of their own. */
  readonly lookup?: MailSettings['lookup'];
  readonly extraAuthorities?: readonly string[];
}

/** Why a channel did not take a message, in words of ours: what its server says is not repeated. */
export class NotCarried extends Error {}

/**
 * Brings one message to its channel, once. It goes to where the owner's settings say and nowhere else: no redirect is
 * followed, and addresses are judged as every other one is, but that the owner's own target may be on a network of theirs.
 * Throws {@link NotCarried}.
 */
export async function carry(
  parts: CarrierParts,
  config: Pick<Config, 'net'>,
  channel: Channel,
  secret: string | null,
  message: Message,
  { id, signal }: { readonly id: string; readonly signal?: AbortSignal },
): Promise<void> {
  try {
    switch (channel.kind) {
      case 'desktop':
        if (!(await parts.showDesktop(message.lines.join(' '))))
          throw new NotCarried('This machine has no desktop to show it on.');
        return;
      case 'email':
        await carryMail(parts, config, channel, secret, message, { id, ...(signal && { signal }) });
        return;
      default:
        await carryRequest(parts, config, channel, secret, message, { id, ...(signal && { signal }) });
    }
  } catch (error) {
    throw error instanceof NotCarried ? error : new NotCarried(reasonOf(error), { cause: error });
  }
}

async function carryRequest(
  parts: CarrierParts,
  config: Pick<Config, 'net'>,
  channel: Channel,
  secret: string | null,
  message: Message,
  { id, signal }: { readonly id: string; readonly signal?: AbortSignal },
): Promise<void> {
  const { url, headers, body } = requestOf(channel, secret, message, { id, nowMs: parts.now() });
  const allowPrivate = allowedFor(config, url);
  const { version, lookup, extraAuthorities } = parts;
  const net = createNet({
    ...{ version, allowPrivate, proxy: config.net.proxy },
    ...(lookup && { lookup }),
    ...(extraAuthorities && { extraAuthorities }),
  });
  try {
    const answer = await net.send(
      {
        ...{ method: 'POST', url: parseCallUrl(url, { allowPrivate }), headers },
        body: new TextEncoder().encode(body),
      },
      { deadline: DEADLINE, redirects: 'return', bodyBytesMax: ANSWER_BYTES_MAX, ...(signal && { signal }) },
    );
    if (answer.status < 200 || answer.status > 299) {
      answer.discard();
      throw new NotCarried(`It answered ${answer.status}.`);
    }
    await readBody(answer, { bytesMax: ANSWER_BYTES_MAX }).catch(() => undefined);
  } finally {
    await net.close();
  }
}

async function carryMail(
  parts: CarrierParts,
  config: Pick<Config, 'net'>,
  { url, from, to, user }: Channel,
  password: string | null,
  message: Message,
  { id, signal }: { readonly id: string; readonly signal?: AbortSignal },
): Promise<void> {
  if (url === null || from === null || to === null)
    throw new NotCarried('Its mail server or an address is not set.');
  const { lookup, extraAuthorities, now } = parts;
  await sendMail(
    { url, user, password },
    { from, to, ...mailOf(message), nowMs: now(), id: mailId(id, message) },
    {
      allowPrivate: allowedFor(config, url),
      ...(lookup && { lookup }),
      ...(extraAuthorities && { extraAuthorities }),
    },
    DEADLINE,
    signal,
  );
}

/**
 * A message's name in the world: the numbers of notices are each wallet's own, and a reader leaves out a mail whose name it had.
 */
function mailId(id: string, { notices }: Message): string {
  return hash('sha256', JSON.stringify([id, notices.map(({ atMs, occasion }) => [atMs, occasion])]));
}

/**
 * The exceptions for private addresses, and the channel's own place beside them: its owner proved themselves to set it. Over
 * the network it is reached by TLS alone, unless the owner made an exception for its host and port; an agent gains none.
 */
function allowedFor({ net }: Pick<Config, 'net'>, text: string): readonly string[] {
  const url = new URL(text);
  const port =
    url.port || ({ 'https:': '443', 'http:': '80', 'smtps:': '465', 'smtp:': '587' }[url.protocol] ?? '');
  const isOpen = url.protocol === 'http:' && !isLoopback(url.hostname);
  return isOpen ? net.allowPrivate : [...net.allowPrivate, `${url.hostname}:${port}`];
}

function reasonOf(error: unknown): string {
  if (error instanceof MailFailure) return error.message;
  if (error instanceof NetFailure || isWalletError(error)) return error.shortMessage;
  return 'It could not be sent.';
}
