import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { Arrivals } from './arrivals.js';

const bytesOf = (text: string): Buffer => Buffer.from(text);

describe('arrivals', () => {
  it('give what came, in order and whole, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 12 }), async (pieces) => {
        const arrivals = new Arrivals(() => undefined);
        for (const piece of pieces) arrivals.push(Buffer.from(piece));
        arrivals.end();
        const out: Buffer[] = [];
        for await (const bytes of arrivals) out.push(bytes);
        expect(Buffer.concat(out)).toEqual(Buffer.concat(pieces));
        expect(arrivals.received).toBe(Buffer.concat(pieces).length);
      }),
      { numRuns: 50 },
    );
  });

  it('wait for what is still to come', async () => {
    const arrivals = new Arrivals(() => undefined);
    const first = arrivals.next();
    arrivals.push(bytesOf('a'));
    expect(await first).toEqual(bytesOf('a'));
    const end = arrivals.next();
    arrivals.end();
    expect(await end).toBeUndefined();
    expect(await arrivals.next()).toBeUndefined();
  });

  it('give all they have before they tell of a failure', async () => {
    const arrivals = new Arrivals(() => undefined);
    arrivals.push(bytesOf('part'));
    arrivals.end(new Error('broke'));
    arrivals.end();
    arrivals.push(bytesOf('late'));
    expect(await arrivals.next()).toEqual(bytesOf('part'));
    await expect(arrivals.next()).rejects.toThrow('broke');
    await expect(arrivals.next()).rejects.toThrow('broke');
  });

  it('say when they are full, and when there is room again', async () => {
    let room = 0;
    const arrivals = new Arrivals(() => (room += 1));
    const piece = Buffer.alloc(32 * 1024);
    expect(arrivals.push(piece)).toBe(true);
    expect(arrivals.push(piece)).toBe(false);
    await arrivals.next();
    expect(room).toBe(0);
    await arrivals.next();
    expect(room).toBe(1);
    expect(arrivals.push(bytesOf('x'))).toBe(true);
  });

  it('T15: give a small piece as little memory as it has bytes, and gather pieces that are not read', async () => {
    const arrivals = new Arrivals(() => undefined);
    const large = Buffer.alloc(65_536);
    for (let count = 0; count < 100; count += 1) {
      arrivals.push(large.subarray(count, count + 1));
      const piece = await arrivals.next();
      // It lies in the pool that all small buffers share.
      expect(piece?.length).toBe(1);
      expect(piece?.buffer.byteLength).toBe(Buffer.poolSize);
    }
    for (let count = 0; count < 10_000; count += 1) arrivals.push(large.subarray(count, count + 1));
    arrivals.end();
    expect((await arrivals.next())?.length).toBe(10_000);
    expect(await arrivals.next()).toBeUndefined();
  });

  it('tell once that nothing more will come, also to who asks late', () => {
    const arrivals = new Arrivals(() => undefined);
    let told = 0;
    arrivals.whenEnded(() => (told += 1));
    arrivals.end();
    arrivals.end();
    expect(told).toBe(1);
    arrivals.whenEnded(() => (told += 1));
    expect(told).toBe(2);
  });
});
