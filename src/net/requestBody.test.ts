import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import {
  openHttpShop,
  openScriptedShop,
  openTestNet,
  requestFor,
  failureOf,
  untilNoneOpen,
  WIDE,
  type Shop,
} from './shop.fixture.js';
import type { Net } from './send.js';
import type { RequestBody } from './requestBody.js';

const MIB = 1024 * 1024;
let shop: Shop;
let net: Net;
afterEach(async () => {
  await net.close();
  await shop.close();
});

/** A body that knows how often it is held open. */
function bodyOf(
  length: number,
  faultAt = Infinity,
): RequestBody & { readonly open: number; readonly given: number } {
  let [open, given] = [0, 0];
  return {
    length,
    get open() {
      return open;
    },
    get given() {
      return given;
    },
    async *read() {
      open += 1;
      try {
        for (let at = 0; at < length; at += MIB / 4) {
          if (at >= faultAt) throw new Error('the disk is gone');
          const piece = Buffer.alloc(Math.min(MIB / 4, length - at), String(at / MIB));
          given += piece.length;
          yield await Promise.resolve(piece);
        }
      } finally {
        open -= 1;
      }
    },
  };
}

async function sha256Of(body: RequestBody): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of body.read()) hash.update(piece);
  return hash.digest('hex');
}

const post = (body: RequestBody) =>
  requestFor(`http://${shop.hostPort}/`, [shop.hostPort], { method: 'POST', body });

/** What a shop was sent: its framing, and the hash of its body. */
async function openCountingShop(): Promise<void> {
  shop = await openHttpShop((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (piece: Buffer) => hash.update(piece));
    request.on('end', () =>
      response.end(JSON.stringify([request.headers['content-length'], hash.digest('hex')])),
    );
  });
  net = openTestNet([shop.hostPort]);
}

async function textOf(answer: { readonly body: AsyncIterable<Uint8Array> }): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of answer.body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('a body that is read as it is sent', () => {
  test('arrives whole and with its length, twice over one connection, and is let go of', async () => {
    await openCountingShop();
    const body = bodyOf(3 * MIB + 7);
    const sent = [`${body.length}`, await sha256Of(body)];
    for (let i = 0; i < 2; i++) {
      const answer = await net.send(post(body), WIDE);
      expect(JSON.parse(await textOf(answer))).toEqual(sent);
    }
    expect([shop.accepted, body.open]).toEqual([1, 0]);
  });

  test('is not read ahead of a seller that reads nothing, and let go of when the call ends', async () => {
    shop = await openScriptedShop((socket) => socket.pause());
    net = openTestNet([shop.hostPort]);
    const body = bodyOf(60 * MIB);
    const late = { ...WIDE, deadline: { ...WIDE.deadline, wholeMs: 400 } };
    expect(await failureOf(net.send(post(body), late))).toMatchObject({ code: 'timed_out', bytesLeft: true });
    expect(body.given).toBeLessThan(20 * MIB);
    await untilNoneOpen(net);
    expect(body.open).toBe(0);
  });

  test('is left where the seller answers before it has it, and its connection serves nothing else', async () => {
    shop = await openScriptedShop((socket) => {
      socket.pause();
      socket.write('HTTP/1.1 402 Payment Required\r\ncontent-length: 4\r\n\r\npay!');
    });
    net = openTestNet([shop.hostPort]);
    const body = bodyOf(60 * MIB);
    for (let i = 0; i < 2; i++) {
      const answer = await net.send(post(body), WIDE);
      expect([answer.status, await textOf(answer)]).toEqual([402, 'pay!']);
      await untilNoneOpen(net);
    }
    expect([shop.accepted, body.open]).toEqual([2, 0]);
  });

  test('that cannot be read leaves nothing; one that breaks off is no whole request', async () => {
    await openCountingShop();
    expect(await failureOf(net.send(post(bodyOf(2 * MIB, 0)), WIDE))).toMatchObject({ bytesLeft: false });
    const broken = bodyOf(2 * MIB, MIB);
    expect(await failureOf(net.send(post(broken), WIDE))).toMatchObject({
      code: 'unreachable',
      bytesLeft: true,
    });
    expect(broken.open).toBe(0);
  });

  test('has at most 64 MiB', async () => {
    await openCountingShop();
    await expect(net.send(post(bodyOf(64 * MIB + 1)), WIDE)).rejects.toMatchObject({ code: 'bad_input' });
    expect(shop.accepted).toBe(0);
  });
});
