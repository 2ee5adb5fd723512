import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { BodyBuffer } from './bodyBuffer.js';

const bytesOf = (text: string): Buffer => Buffer.from(text);

describe('buffer', () => {
  it('give what came, in order and whole, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 12 }), async (pieces) => {
        const buffer = new BodyBuffer(() => undefined);
        for (const piece of pieces) buffer.push(Buffer.from(piece));
        buffer.end();
        const out: Buffer[] = [];
        for await (const bytes of buffer) out.push(bytes);
        expect(Buffer.concat(out)).toEqual(Buffer.concat(pieces));
        expect(buffer.received).toBe(Buffer.concat(pieces).length);
      }),
      { numRuns: 50 },
    );
  });

  it('wait for what is still to come', async () => {
    const buffer = new BodyBuffer(() => undefined);
    const first = buffer.next();
    buffer.push(bytesOf('a'));
    expect(await first).toEqual(bytesOf('a'));
    const end = buffer.next();
    buffer.end();
    expect(await end).toBeUndefined();
    expect(await buffer.next()).toBeUndefined();
  });

  it('give all they have before they tell of a failure', async () => {
    const buffer = new BodyBuffer(() => undefined);
    buffer.push(bytesOf('part'));
    buffer.end(new Error('broke'));
    buffer.end();
    buffer.push(bytesOf('late'));
    expect(await buffer.next()).toEqual(bytesOf('part'));
    await expect(buffer.next()).rejects.toThrow('broke');
    await expect(buffer.next()).rejects.toThrow('broke');
  });

  it('say when they are full, and when there is room again', async () => {
    let room = 0;
    const buffer = new BodyBuffer(() => (room += 1));
    const piece = Buffer.alloc(32 * 1024);
    expect(buffer.push(piece)).toBe(true);
    expect(buffer.push(piece)).toBe(false);
    await buffer.next();
    expect(room).toBe(0);
    await buffer.next();
    expect(room).toBe(1);
    expect(buffer.push(bytesOf('x'))).toBe(true);
  });

  it('T15: give a small piece as little memory as it has bytes, and gather pieces that are not read', async () => {
    const buffer = new BodyBuffer(() => undefined);
    const large = Buffer.alloc(65_536);
    for (let count = 0; count < 100; count += 1) {
      buffer.push(large.subarray(count, count + 1));
      const piece = await buffer.next();
      // It lies in the pool that all small buffers share.
      expect(piece?.length).toBe(1);
      expect(piece?.buffer.byteLength).toBe(Buffer.poolSize);
    }
    for (let count = 0; count < 10_000; count += 1) buffer.push(large.subarray(count, count + 1));
    buffer.end();
    expect((await buffer.next())?.length).toBe(10_000);
    expect(await buffer.next()).toBeUndefined();
  });

  it('tell once that nothing more will come, also to who asks late', () => {
    const buffer = new BodyBuffer(() => undefined);
    let told = 0;
    buffer.whenEnded(() => (told += 1));
    buffer.end();
    buffer.end();
    expect(told).toBe(1);
    buffer.whenEnded(() => (told += 1));
    expect(told).toBe(2);
  });
});
