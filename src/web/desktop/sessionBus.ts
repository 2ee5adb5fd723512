import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** The bus answers within milliseconds, unless whoever shows notifications has to be started first. */
const WAIT_MS = 3_000;
/** Nothing that answers a notification is longer. */
const MESSAGE_BYTES_MAX = 64 * 1024;

const METHOD_CALL = 1;
const METHOD_RETURN = 2;
const REPLY_SERIAL = 5;
const HELLO_SERIAL = 1;
const NOTIFY_SERIAL = 2;
/** What the notification specification calls critical: it stays until the person has seen it. */
const URGENCY_CRITICAL = 2;

type Environment = Readonly<Record<string, string | undefined>>;

/** A notification as desktops show it. The body is plain: markup is the caller's to take out. */
export interface BusNotice {
  readonly title: string;
  readonly body: string;
  /** Whether it stays until it is seen. */
  readonly stays: boolean;
}

/**
 * Shows a notification through the desktop's session bus (the freedesktop.org notification specification 1.2, over D-Bus).
 * True once the desktop took it; false where there is no bus, or nobody on it shows notifications. Never rejects.
 *
 * The bus is spoken to directly since `notify-send` takes its text as arguments, which every user of the machine sees.
 */
export async function notifyOverBus(notice: BusNotice, env: Environment): Promise<boolean> {
  for (const place of busPlaces(env)) {
    const answered = isOwnBus(place) ? await tell(place, notice).catch(() => null) : null;
    if (answered !== null) return answered;
  }
  return false;
}

/** A bus: the path of its socket, which begins with a zero byte where it is a name and no file, and its id where known. */
interface BusPlace {
  readonly path: string;
  readonly guid: string | null;
}

/**
 * Whether nobody but the user, or root, can listen there (T33): a bus that has ended leaves its name to whoever takes it,
 * and a notice may hold a code. A name that is no file proves itself by the bus's id, which only the user's programs know.
 */
function isOwnBus({ path, guid }: BusPlace): boolean {
  if (path.startsWith('\0')) return guid !== null;
  const uid = statSync(path, { throwIfNoEntry: false })?.uid;
  return uid === 0 || uid === process.geteuid?.();
}

/** The sockets of the user's session bus, as the environment names them, else where systemd puts it. */
function busPlaces(env: Environment): BusPlace[] {
  const named = (env['DBUS_SESSION_BUS_ADDRESS'] ?? '').split(';').flatMap((address) => {
    const [, kind, value = ''] = /^unix:(?:.*,)?(path|abstract)=([^,]+)/.exec(address) ?? [];
    if (kind === undefined) return [];
    const path = value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    const guid = /[:,]guid=([0-9a-fA-F]+)/.exec(address)?.[1]?.toLowerCase() ?? null;
    return [{ path: kind === 'abstract' ? `\0${path}` : path, guid }];
  });
  if (named.length > 0) return named;
  const uid = process.getuid?.();
  return uid === undefined ? [] : [{ path: `/run/user/${uid}/bus`, guid: null }];
}

/** Whether the desktop took the notice; null where nothing answers at the path. */
async function tell(place: BusPlace, notice: BusNotice): Promise<boolean | null> {
  return new Promise((resolve) => {
    const socket = connect({ path: place.path });
    let isThere = false;
    const end = (taken: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isThere ? taken : null);
    };
    const timer = setTimeout(() => end(false), WAIT_MS);
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => {
      isThere = true;
      const uid = Buffer.from(String(process.getuid?.() ?? '')).toString('hex');
      socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
    });
    listen(socket, place, notice, end);
  });
}

/** Answers the bus: first its line of text, then its messages. */
function listen(socket: Socket, { guid }: BusPlace, notice: BusNotice, end: (taken: boolean) => void): void {
  let bytes = Buffer.alloc(0);
  let isOpen = false;
  socket.on('data', (piece: Buffer) => {
    bytes = Buffer.concat([bytes, piece]);
    if (bytes.length > MESSAGE_BYTES_MAX) return end(false);
    if (!isOpen) {
      const line = bytes.indexOf('\r\n');
      if (line === -1) return;
      const [said, id] = bytes.toString('latin1', 0, line).split(' ');
      if (said !== 'OK' || (guid !== null && id?.toLowerCase() !== guid)) return end(false);
      bytes = bytes.subarray(line + 2);
      isOpen = true;
      socket.write(Buffer.concat([Buffer.from('BEGIN\r\n'), hello(), notify(notice)]));
    }
    for (let message = readMessage(bytes); message !== null; message = readMessage(bytes)) {
      bytes = bytes.subarray(message.length);
      if (message.answers === NOTIFY_SERIAL) return end(message.type === METHOD_RETURN);
    }
  });
}

/** Values of D-Bus in little-endian order, each aligned to its size from where the whole begins. */
class BusWriter {
  readonly #bytes: number[] = [];

  align(size: number): this {
    while (this.#bytes.length % size !== 0) this.#bytes.push(0);
    return this;
  }

  byte(value: number): this {
    this.#bytes.push(value & 0xff);
    return this;
  }

  u32(value: number): this {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.byte(value >>> shift);
    return this;
  }

  text(value: string): this {
    const bytes = Buffer.from(value);
    this.u32(bytes.length).#bytes.push(...bytes, 0);
    return this;
  }

  signature(value: string): this {
    this.byte(value.length).#bytes.push(...Buffer.from(value), 0);
    return this;
  }

  /** An array: its length is known once its items are there. */
  array(align: number, write: () => void): this {
    this.u32(0);
    const at = this.#bytes.length - 4;
    this.align(align);
    const begun = this.#bytes.length;
    write();
    const length = this.#bytes.length - begun;
    for (let i = 0; i < 4; i += 1) this.#bytes[at + i] = (length >>> (8 * i)) & 0xff;
    return this;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

interface Call {
  readonly serial: number;
  readonly destination: string;
  readonly path: string;
  readonly member: string;
  readonly signature?: string;
}

function writeCall({ serial, destination, path, member, signature }: Call, body: Buffer): Buffer {
  const head = new BusWriter();
  head.byte('l'.charCodeAt(0)).byte(METHOD_CALL).byte(0).byte(1).u32(body.length).u32(serial);
  const fields: [code: number, type: string, value: string][] = [
    [1, 'o', path],
    [2, 's', destination],
    [3, 's', member],
    [6, 's', destination],
  ];
  head.array(8, () => {
    for (const [code, type, value] of fields) head.align(8).byte(code).signature(type).text(value);
    if (signature !== undefined) head.align(8).byte(8).signature('g').signature(signature);
  });
  return Buffer.concat([head.align(8).bytes, body]);
}

function hello(): Buffer {
  const destination = 'org.freedesktop.DBus';
  return writeCall(
    { serial: HELLO_SERIAL, destination, path: '/org/freedesktop/DBus', member: 'Hello' },
    Buffer.alloc(0),
  );
}

function notify({ title, body, stays }: BusNotice): Buffer {
  const values = new BusWriter().text('Purser').u32(0).text('').text(title).text(body);
  values.array(4, () => undefined);
  values.array(8, () => {
    if (stays) values.align(8).text('urgency').signature('y').byte(URGENCY_CRITICAL);
  });
  // How long it is shown, in ms: 0 for ever, -1 as the desktop does.
  values.u32(stays ? 0 : -1);
  const call = {
    serial: NOTIFY_SERIAL,
    destination: 'org.freedesktop.Notifications',
    path: '/org/freedesktop/Notifications',
    member: 'Notify',
    signature: 'susssasa{sv}i',
  };
  return writeCall(call, values.bytes);
}

/** The first whole message: how long it is, its type, and the call it answers; null where it is not all there. */
function readMessage(
  bytes: Buffer,
): { readonly length: number; readonly type: number; readonly answers: number | null } | null {
  if (bytes.length < 16) return null;
  const isLittle = bytes[0] === 'l'.charCodeAt(0);
  const u32 = (at: number): number => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const fieldsEnd = 16 + u32(12);
  const length = Math.ceil(fieldsEnd / 8) * 8 + u32(4);
  if (bytes.length < length) return null;
  let answers: number | null = null;
  for (let at = 16; at < fieldsEnd;) {
    at = Math.ceil(at / 8) * 8;
    const code = bytes[at];
    const type = String.fromCharCode(bytes[at + 2] ?? 0);
    if (type === 'g') {
      at += 4;
      at += 2 + (bytes[at] ?? 0);
      continue;
    }
    const value = Math.ceil((at + 4) / 4) * 4;
    if (code === REPLY_SERIAL) answers = u32(value);
    at = type === 'u' ? value + 4 : value + 4 + u32(value) + 1;
  }
  return { length, type: bytes[1] ?? 0, answers };
}
