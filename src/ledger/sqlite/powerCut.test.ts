import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLive } from '../attempts/attempt.js';
import type { Payment } from '../attempts/payment.js';
import { waitsForDisk, type CommitPoint } from '../commitPoint.js';
import type { Checkpoint, Ledger } from '../ledger.js';
import {
  bearer,
  capLine,
  captureFacts,
  CENT,
  holdRequest,
  newLedger,
  scratchFolder,
  T0,
  testMac,
} from './fixtures.js';
import { SqliteLedger } from './sqliteLedger.js';

/*
 * A power cut: the disk has what was synced, and of what was written since as much as it happened to take. Here it is made by
 * putting the files back as they were when the ledger last said that the disk has all, with any part of the log's newer bytes.
 */

const CAP = capLine({ usdMicrosMax: 10n * CENT });
const PAYLOAD = { name: 'PAYMENT-SIGNATURE', value: 'c2lnbmVk' };

/** The files of a ledger, as a disk has them. */
interface Disk {
  readonly db: Buffer;
  readonly log: Buffer;
}

function diskOf(path: string): Disk {
  return { db: readFileSync(path), log: readFileSync(`${path}-wal`) };
}

/** Two processes that pay from one ledger, and what their sellers got; all of it survives power cuts but the processes. */
class World implements AsyncDisposable {
  readonly #folder = scratchFolder();
  #cuts = 0;
  #path = join(this.#folder.path, '0', 'purser.db');
  #disk: Disk | null = null;
  #ledgers: readonly Ledger[] = [];
  /** Payments whose bytes left: their money moves, whatever this machine remembers. */
  readonly left = new Map<string, Payment>();
  anchor: Checkpoint;

  constructor() {
    mkdirSync(dirname(this.#path));
    this.anchor = SqliteLedger.create(this.#path, { mac: testMac(), nowMs: T0, configVersion: 1 });
    this.#open();
  }

  ledger(process: number): Ledger {
    return this.#ledgers[process % this.#ledgers.length] as Ledger;
  }

  /** As the keystore is told where the ledger stands: no head that a power cut could take away. */
  async remember(process: number): Promise<void> {
    this.anchor = (await this.ledger(process).durableCheckpoint()) ?? this.anchor;
    this.#disk = diskOf(this.#path);
  }

  /** Puts the disk's own state in the place of what the processes saw, with `share` of the bytes that came since. */
  async cut(share: number): Promise<void> {
    const now = diskOf(this.#path);
    const disk = this.#disk ?? now;
    const isGrown = now.log.subarray(0, disk.log.length).equals(disk.log);
    const more = Math.floor((now.log.length - disk.log.length) * share);
    await this.#close();
    this.#cuts += 1;
    this.#path = join(this.#folder.path, String(this.#cuts), 'purser.db');
    mkdirSync(dirname(this.#path));
    writeFileSync(this.#path, disk.db);
    writeFileSync(`${this.#path}-wal`, isGrown ? now.log.subarray(0, disk.log.length + more) : disk.log);
    this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    this.#folder[Symbol.dispose]();
  }

  async #close(): Promise<void> {
    this.#disk = null;
    const ledgers = this.#ledgers;
    this.#ledgers = [];
    for (const ledger of ledgers) await ledger.close();
  }

  #open(): void {
    const path = this.#path;
    const observer = {
      onDisk: () => {
        // Closing copies the log into the file, which is no matter of a cut.
        if (this.#ledgers.length > 0) this.#disk = diskOf(path);
      },
    };
    this.#ledgers = ['one', 'two'].map((holder) =>
      SqliteLedger.open(path, { mac: testMac(), holder: `${holder} ${this.#cuts}`, observer }),
    );
    this.#disk = diskOf(path);
  }
}

type Step =
  | { readonly kind: 'pay'; readonly cents: number; readonly ends: 'held' | 'sent' | 'unknown' | 'captured' }
  | { readonly kind: 'beside' }
  | { readonly kind: 'remember' }
  | { readonly kind: 'cut'; readonly share: number };

const STEP = fc.record({
  process: fc.nat({ max: 1 }),
  step: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('pay' as const),
        cents: fc.integer({ min: 1, max: 4 }),
        ends: fc.constantFrom('held' as const, 'sent' as const, 'unknown' as const, 'captured' as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'beside' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'remember' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('cut' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
  ),
});

async function take(world: World, process: number, step: Step): Promise<void> {
  const ledger = world.ledger(process);
  switch (step.kind) {
    case 'pay': {
      const hold = await ledger.openHold(
        holdRequest({ heldUsdMicros: BigInt(step.cents) * CENT, capLines: [CAP] }),
      );
      if (hold.kind !== 'held' || step.ends === 'held') return;
      const { id } = hold.payment;
      const { sent } = await ledger.signAndSend(id, PAYLOAD, {
        configVersion: 1,
        capLines: [CAP],
        nowMs: T0,
      });
      if (sent.kind !== 'done') throw new Error(`A payment was not sent: ${sent.kind}`);
      world.left.set(id, sent.attempt);
      if (step.ends === 'unknown') await ledger.markUnknown(id, 'no_receipt', T0);
      if (step.ends === 'captured') await ledger.capture(id, captureFacts(sent.attempt), T0);
      return;
    }
    case 'beside':
      await ledger.touchSession('default', T0);
      return;
    case 'remember':
      return world.remember(process);
    case 'cut':
      return world.cut(step.share);
  }
}

/** Every payment that left is in the ledger and counts, and the ledger is a whole one, no older than the keystore's memory. */
async function judge(world: World): Promise<void> {
  const ledger = world.ledger(0);
  await ledger.verifyCheckpoint(world.anchor);
  let exposed = 0n;
  for (const { id, heldUsdMicros } of world.left.values()) {
    const known = await ledger.findPayment(id);
    expect(known?.state, 'what left is known to have left').toMatch(/^(sent|unknown|captured)$/);
    exposed += heldUsdMicros;
  }
  const [used = -1n] = await ledger.usage([CAP], T0);
  expect(used).toBeGreaterThanOrEqual(exposed);
  expect(used, 'exposure is within the cap').toBeLessThanOrEqual(CAP.usdMicrosMax);
}

describe('a power cut', () => {
  it('takes away no payment whose bytes left and frees no cap, and the ledger catches up with the chain', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 4, maxLength: 16 }), async (steps) => {
        await using world = new World();
        for (const { process, step } of steps) {
          await take(world, process, step);
          await judge(world);
        }
        await world.cut(0);
        await judge(world);
        const ledger = world.ledger(0);
        for (const payment of world.left.values())
          await ledger.capture(payment.id, captureFacts(payment, { confirmed: true }), T0);
        for (const one of await ledger.openAttempts(100))
          if (isLive(one.state)) await ledger.release(one.id, 'never_signed', T0);
        const [used] = await ledger.usage([CAP], T0);
        expect(used).toBe(
          [...world.left.values()].reduce((sum, { heldUsdMicros }) => sum + heldUsdMicros, 0n),
        );
        expect((await ledger.audit()).findings).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('leaves what is nobody’s to tell anew where it was promised', async () => {
    await using world = new World();
    const ledger = world.ledger(0);
    await ledger.entitlements.save(bearer(), T0);
    await ledger.freeze(T0);
    await world.cut(0);
    expect(await world.ledger(0).entitlements.usable('default', 'https://api.example.com', T0)).toHaveLength(
      1,
    );
    expect((await world.ledger(0).head()).frozen).toBe(true);
  });
});

describe('the disk', () => {
  it('is waited for at each commit that promises it, whatever came before, and at no other', async () => {
    const seen: [CommitPoint, unknown][] = [];
    const databases: Database.Database[] = [];
    const prepare = Database.prototype.prepare;
    Database.prototype.prepare = function (this: Database.Database, sql: string) {
      if (!databases.includes(this)) databases.push(this);
      return prepare.call(this, sql);
    } as typeof prepare;
    try {
      using world = newLedger({
        observer: {
          beforeCommit: (point) =>
            seen.push([point, databases.at(-1)?.pragma('synchronous', { simple: true })]),
        },
      });
      const { ledger } = world;
      const hold = await ledger.openHold(holdRequest());
      if (hold.kind !== 'held') throw new Error('There was no hold.');
      const { payment } = hold;
      await ledger.signAndSend(payment.id, PAYLOAD, { configVersion: 1, capLines: [], nowMs: T0 });
      await ledger.capture(payment.id, captureFacts(payment), T0);
      await Promise.all([ledger.touchSession('other', T0), ledger.entitlements.save(bearer(), T0)]);
      await ledger.capture(payment.id, captureFacts(payment, { confirmed: true }), T0);
      await ledger.freeze(T0);
    } finally {
      Database.prototype.prepare = prepare;
    }
    const [FULL, NORMAL] = [2n, 1n];
    expect(seen).toEqual([
      ['held', NORMAL],
      // One commit: the one that promises it decides.
      ['signed', FULL],
      ['sent', FULL],
      ['captured', NORMAL],
      ['entitlement', FULL],
      ['session', FULL],
      ['confirmed', NORMAL],
      ['frozen', FULL],
    ]);
    for (const point of ['sent', 'released', 'owner', 'frozen', 'config', 'entitlement'] as const)
      expect(waitsForDisk(point), point).toBe(true);
  });
});
