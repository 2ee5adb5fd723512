import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { missingPrograms, startSecretService } from '../keychain/secretService.js';

/** Why no desktop can be had here that shows notifications; null where one can. */
export const NO_DESKTOP = missingPrograms();

/** A notification as the desktop was handed it. */
export interface Shown {
  readonly title: string;
  readonly body: string;
  /** Whether it stays until it is seen. */
  readonly stays: boolean;
}

/** A session bus of our own, by the real daemon, and somebody on it who shows notifications. */
export interface Desktop extends AsyncDisposable {
  readonly env: Record<string, string>;
  readonly shown: Shown[];
}

/** Starts a desktop; with `shows: false` its bus has nobody who shows notifications. */
export async function startDesktop({ shows = true } = {}): Promise<Desktop> {
  const bus = await startSecretService({ keyring: false });
  const address = bus.env['DBUS_SESSION_BUS_ADDRESS'] ?? '';
  const shown: Shown[] = [];
  const socket = shows ? await serve(address, shown) : null;
  return {
    env: { DBUS_SESSION_BUS_ADDRESS: address },
    shown,
    [Symbol.asyncDispose]: async () => {
      socket?.destroy();
      await bus.end();
    },
  };
}

const NAME = 'org.freedesktop.Notifications';
const BUS = 'org.freedesktop.DBus';

/** Takes the name of the notification service on the bus, and answers its calls. */
async function serve(address: string, shown: Shown[]): Promise<Socket> {
  const socket = connect({ path: /path=([^,;]+)/.exec(address)?.[1] ?? '' });
  await once(socket, 'connect');
  socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid?.())).toString('hex')}\r\n`);
  await once(socket, 'data');
  const call = (serial: number, member: string, signature: string, body: Buffer): Buffer =>
    message(1, serial, body, [
      [1, 'o', '/org/freedesktop/DBus'],
      [6, 's', BUS],
      [2, 's', BUS],
      [3, 's', member],
      ...(signature === '' ? [] : ([[8, 'g', signature]] as const)),
    ]);
  const flags = Buffer.alloc(4);
  const name = pad(text(NAME), 4);
  socket.write(
    Buffer.concat([
      Buffer.from('BEGIN\r\n'),
      call(1, 'Hello', '', Buffer.alloc(0)),
      call(2, 'RequestName', 'su', Buffer.concat([name, flags])),
    ]),
  );
  const named = Promise.withResolvers<undefined>();
  let bytes = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    bytes = Buffer.concat([bytes, piece]);
    for (;;) {
      if (bytes.length < 16) return;
      const head = Math.ceil((16 + bytes.readUInt32LE(12)) / 8) * 8;
      const whole = head + bytes.readUInt32LE(4);
      if (bytes.length < whole) return;
      const [one, body] = [bytes.subarray(0, head), bytes.subarray(head, whole)];
      bytes = bytes.subarray(whole);
      if (one[1] === 2 && fieldOf(one, 5) === 2) named.resolve(undefined);
      if (one[1] === 1 && fieldOf(one, 3) === 'Notify') {
        shown.push(readNotice(body));
        const reply: [number, string, string | number][] = [
          [5, 'u', one.readUInt32LE(8)],
          [6, 's', String(fieldOf(one, 7))],
          [8, 'g', 'u'],
        ];
        socket.write(message(2, 3, Buffer.from([1, 0, 0, 0]), reply));
      }
    }
  });
  await named.promise;
  return socket;
}

const pad = (bytes: Buffer, size: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((size - (bytes.length % size)) % size)]);

function text(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(`${value}\0`)]);
}

function message(
  type: number,
  serial: number,
  body: Buffer,
  fields: readonly (readonly [code: number, type: string, value: string | number])[],
): Buffer {
  let array = Buffer.alloc(0);
  for (const [code, kind, value] of fields) {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(typeof value === 'number' ? value : 0);
    const written =
      kind === 'u'
        ? number
        : kind === 'g'
          ? Buffer.from(`\x01${value}\0`.replace('\x01', String.fromCharCode(String(value).length)))
          : text(String(value));
    array = Buffer.concat([pad(array, 8), Buffer.from([code, 1]), Buffer.from(`${kind}\0`), written]);
  }
  const head = Buffer.alloc(16);
  head.set([0x6c, type, 0, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(array.length, 12);
  return Buffer.concat([pad(Buffer.concat([head, array]), 8), body]);
}

/** The value of a header's field; undefined where it has none. */
function fieldOf(head: Buffer, wanted: number): string | number | undefined {
  const end = 16 + head.readUInt32LE(12);
  for (let at = 16; at < end;) {
    at = Math.ceil(at / 8) * 8;
    const [code, kind] = [head[at], String.fromCharCode(head[at + 2] ?? 0)];
    at += 4;
    const length = kind === 'g' ? (head[at] ?? 0) : kind === 'u' ? 0 : head.readUInt32LE(at);
    const begun = at + (kind === 'g' ? 1 : 4);
    if (code === wanted)
      return kind === 'u' ? head.readUInt32LE(at) : head.toString('utf8', begun, begun + length);
    at = kind === 'u' ? at + 4 : begun + length + 1;
  }
  return undefined;
}

/** Reads `susssasa{sv}i`. */
function readNotice(body: Buffer): Shown {
  let at = 0;
  const u32 = (): number => {
    at = Math.ceil(at / 4) * 4 + 4;
    return body.readUInt32LE(at - 4);
  };
  const string = (): string => {
    const length = u32();
    at += length + 1;
    return body.toString('utf8', at - length - 1, at - 1);
  };
  string();
  u32();
  string();
  const [title, words] = [string(), string()];
  const actions = u32();
  at += actions;
  const hints = u32();
  at = Math.ceil(at / 8) * 8;
  const isCritical = hints > 0 && body[at + hints - 1] === 2;
  at += hints;
  const lastsMs = u32() | 0;
  return { title, body: words, stays: isCritical && lastsMs === 0 };
}
