import type { Socket } from 'node:net';
import { Call, type Deadline } from './call.js';
import { connectDirectly, secure } from './connection/connection.js';
import { systemLookup, type Lookup } from './destination/resolve.js';
import { parseCallUrl, type UrlRules } from './destination/url.js';
import { contextWith } from './send.js';

/** What a mail is handed to: a server for submission (RFC 6409) that its sender has an account at. */
export interface MailServer {
  /** `smtps://host[:465]` for TLS from the first byte, `smtp://host[:587]` for STARTTLS, without which nothing is sent. */
  readonly url: string;
  readonly user: string | null;
  readonly password: string | null;
}

/** One mail of plain text. */
export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The wall clock. */
  readonly nowMs: number;
  /** Names the mail, in letters, digits and hyphens: the same at each try, so that whoever had it knows it again. */
  readonly id: string;
}

/** How a mail server is reached. */
export interface MailSettings extends UrlRules {
  readonly lookup?: Lookup;
  /** Certificate authorities in PEM, beside those that Node trusts. */
  readonly extraAuthorities?: readonly string[];
}

const PORTS: Readonly<Record<string, number>> = { 'smtps:': 465, 'smtp:': 587 };
/** An answer of a server has a few lines of 512 bytes each (RFC 5321, 4.5.3.1.5). */
const ANSWER_BYTES_MAX = 16_384;
/** A line of base64, as mail has it (RFC 2045, 6.8). */
const LINE_CHARS = 76;
/** Addresses as they stand between `<` and `>`: nothing in them ends a command or a header. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/;

/** A mail server that did not take the mail. Its words are the server's own, and are told to nobody. */
export class MailFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MailFailure';
  }
}

/**
 * Hands one mail to a server, over TLS alone, at an address that was checked as every other is (T10). Throws
 * {@link MailFailure}, and the failures of a connection.
 */
export async function sendMail(
  server: MailServer,
  mail: Mail,
  settings: MailSettings,
  deadline: Deadline,
  signal?: AbortSignal,
): Promise<void> {
  for (const address of [mail.from, mail.to])
    if (!ADDRESS.test(address)) throw new MailFailure('An address of the mail is none.');
  const url = new URL(server.url);
  const port = url.port === '' ? PORTS[url.protocol] : Number(url.port);
  if (port === undefined)
    throw new MailFailure('The mail server’s address must begin with smtps:// or smtp://.');
  // The rules for addresses are those of every call; what is spoken there is not HTTP.
  const target = parseCallUrl(`https://${url.hostname}:${port}/`, settings);
  const { extraAuthorities = [], lookup = systemLookup } = settings;
  const secureContext = extraAuthorities.length === 0 ? undefined : contextWith(extraAuthorities);
  const call = new Call(deadline, signal);
  const lift = call.bound(
    deadline.connectMs,
    `No connection to the mail server within ${deadline.connectMs} ms.`,
  );
  let socket: Socket | null = null;
  try {
    socket = await connectDirectly(call, target, lookup);
    const over = { secureContext, protocols: [] };
    if (url.protocol === 'smtps:') socket = await secure(call, target, socket, over);
    let talk = new Talk(call, socket);
    await talk.expect(220);
    let abilities = await talk.say(`EHLO ${ownName(socket)}`, 250);
    if (url.protocol === 'smtp:') {
      if (!/^STARTTLS\b/im.test(abilities))
        throw new MailFailure('The mail server offers no TLS, so nothing was sent.');
      await talk.say('STARTTLS', 220);
      talk.leave();
      socket = await secure(call, target, socket, over);
      talk = new Talk(call, socket);
      abilities = await talk.say(`EHLO ${ownName(socket)}`, 250);
    }
    lift();
    await signIn(talk, abilities, server);
    await talk.say(`MAIL FROM:<${mail.from}>`, 250);
    await talk.say(`RCPT TO:<${mail.to}>`, 250);
    await talk.say('DATA', 354);
    await talk.say(`${textOf(mail)}\r\n.`, 250);
    // The mail is taken: what becomes of the goodbye changes nothing.
    await talk.say('QUIT', 221).catch(() => undefined);
  } catch (error) {
    throw call.failure ?? error;
  } finally {
    lift();
    call.end();
    socket?.destroy();
  }
}

/** An address literal (RFC 5321, 4.1.3): a name of this machine is nobody's business. */
function ownName({ localAddress = '127.0.0.1' }: Socket): string {
  return localAddress.includes(':') ? `[IPv6:${localAddress}]` : `[${localAddress}]`;
}

async function signIn(talk: Talk, abilities: string, { user, password }: MailServer): Promise<void> {
  if (user === null || password === null) return;
  const ways = /^AUTH[ =](.*)$/im.exec(abilities)?.[1]?.toUpperCase().split(' ') ?? [];
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  if (ways.includes('LOGIN') && !ways.includes('PLAIN')) {
    await talk.say('AUTH LOGIN', 334);
    await talk.say(base64(user), 334);
    await talk.say(base64(password), 235);
    return;
  }
  await talk.say(`AUTH PLAIN ${base64(`\u0000${user}\u0000${password}`)}`, 235);
}

/** The mail as it is sent: its words in base64, so that no line of them is a command, and none is too long. */
function textOf({ from, to, subject, text, nowMs, id }: Mail): string {
  const body = Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'utf8').toString('base64');
  return [
    `From: Purser <${from}>`,
    `To: <${to}>`,
    `Subject: ${headerWords(subject)}`,
    `Date: ${new Date(nowMs).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@${from.split('@')[1] ?? 'localhost'}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...(body.match(new RegExp(`.{1,${LINE_CHARS}}`, 'g')) ?? []),
  ].join('\r\n');
}

/** Words of a header as encoded words (RFC 2047), each of whole characters and at most 75 long. */
function headerWords(text: string): string {
  const words: string[] = [];
  let word = '';
  for (const char of text) {
    if (Buffer.byteLength(word + char) > 42) {
      words.push(word);
      word = '';
    }
    word += char;
  }
  return [...words, word].map((one) => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ');
}

/** One conversation of commands and answers. */
class Talk {
  readonly #call: Call;
  readonly #socket: Socket;
  readonly #onData = (piece: Buffer): void => this.#take(piece);
  #text = '';
  #heard: (() => void) | null = null;
  #isOver = false;

  constructor(call: Call, socket: Socket) {
    this.#call = call;
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.once('close', () => this.#end());
    socket.once('error', () => this.#end());
  }

  /** Hears no more, so that another may take over the connection. */
  leave(): void {
    this.#socket.off('data', this.#onData);
    this.#text = '';
  }

  /** Says something and answers what is said to it. Throws {@link MailFailure} for another code. */
  async say(line: string, code: number): Promise<string> {
    this.#socket.write(`${line}\r\n`);
    return this.expect(code);
  }

  /** The lines of the next answer without their codes. */
  async expect(code: number): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n/.exec(this.#text);
      if (whole !== null) {
        this.#text = this.#text.slice(whole[0].length);
        if (Number(whole[1]) !== code)
          throw new MailFailure(`The mail server answered ${whole[1] ?? ''}, and not ${code}.`);
        return whole[0].replace(/^\d{3}[ -]/gm, '').replaceAll('\r', '');
      }
      if (this.#isOver) throw new MailFailure('The mail server hung up.');
      if (this.#text.length > ANSWER_BYTES_MAX) throw new MailFailure('The mail server answers without end.');
      await this.#call.orFailure(new Promise<void>((resolve) => (this.#heard = resolve)));
    }
  }

  #take(piece: Buffer): void {
    this.#text += piece.toString('latin1');
    this.#heard?.();
  }

  #end(): void {
    this.#isOver = true;
    this.#heard?.();
  }
}
