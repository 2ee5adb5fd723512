import { findAttempt } from '../../support/books.js';
import fc from 'fast-check';
import { reconcileAll, reconcileDue, reconcileAttempt } from '../../../src/wallet/settle/reconcile.js';
import type { ModelPayment } from '../payment.js';
import type { Process, World } from '../world.js';
import { HONEST, type Mood } from '../operator.js';
import { openPayment } from '../wallet.js';
import { Command, families, HOUR, land, MINUTE, pick, SEC, slots, whiches } from './command.js';
import { hear } from './sales.js';
import { lies } from './weather.js';

/** Just before and after a payment's time is over, and when that is settled; and what then happens. */
export const edges = fc
  .record({
    which: whiches,
    sec: fc.constantFrom(-15, -8, -4, -3, -2, -1, 0, 1, 10, 30, 59, 61, 64, 90),
    then: fc.constantFrom('', ', it lands', ', it is looked at', ', it is looked at and lands'),
    slot: slots,
  })
  .map(
    ({ which, sec, then, slot }) =>
      new Command(`${sec} s from the end of #${which}${then}`, async (world) => {
        const payment = pick(world, which, ({ left }) => left);
        if (payment === undefined) return undefined;
        world.advanceTo((payment.validBeforeSec + sec) * SEC);
        const process = world.process(slot);
        if (then.includes('looked')) await world.inside(process, () => lookAt(world, process, payment));
        return then.endsWith('lands') && land(world, payment) ? 'landed' : undefined;
      }),
  );
/** Both operators lie, while all is looked at when the time of a payment is over; and then they are honest again. */
export const broken = fc.record({ which: whiches, slot: slots, lies, landsFirst: fc.boolean() }).map(
  ({ which, slot, lies: told, landsFirst }) =>
    new Command(
      `#${which}${landsFirst ? ' lands, and' : ':'} both operators lie about it: ${told.join()}`,
      async (world) => {
        const payment = pick(world, which, ({ left }) => left);
        if (payment === undefined) return undefined;
        const { family, validBeforeSec } = payment;
        if (landsFirst) land(world, payment);
        world.breakTrust(family, told);
        world.advanceTo((validBeforeSec + 100) * SEC);
        const process = world.process(slot);
        try {
          await world.inside(process, () => lookAt(world, process, payment));
        } finally {
          world.breakTrust(family, []);
        }
        return 'both lie';
      },
    ),
);
/**
 * It lands at its last moment, and is looked at where that is about to be settled: a payment that is there, or one that is
 * made for it while both operators are as they should be.
 */
export const lastMoments = fc
  .record({
    which: whiches,
    slot: slots,
    family: families,
    fresh: fc.constantFrom(true, true, false),
    seconds: fc.oneof(
      // The block before the last that can take it is just settled: it is unused there, and is in the next one.
      fc.constant({ beforeSec: 3, afterSec: 57 }),
      fc.record({
        beforeSec: fc.integer({ min: 1, max: 4 }),
        afterSec: fc.constantFrom(55, 56, 57, 58, 59, 60, 61, 64),
      }),
    ),
  })
  .map(
    ({ which, slot, family, fresh, seconds: { beforeSec, afterSec } }) =>
      new Command(
        `${fresh ? `a fresh ${family}` : `#${which}`} lands ${beforeSec} s before its end, and is looked at ${afterSec} s after it`,
        async (world) => {
          const process = world.process(slot);
          if (fresh) await world.inside(process, () => sellInPeace(world, process, family));
          const payment = pick(
            world,
            fresh ? 0 : which,
            ({ left, onChain }) => left && onChain?.mayLand() === true,
          );
          if (payment === undefined) return undefined;
          world.advanceTo((payment.validBeforeSec - beforeSec) * SEC);
          const landed = land(world, payment);
          world.advanceTo((payment.validBeforeSec + afterSec) * SEC);
          await world.inside(process, () => lookAt(world, process, payment));
          return landed ? 'landed at the last moment' : undefined;
        },
      ),
  );

/**
 * A payment that nobody landed is looked at when its end is about to be settled, and then a reorganisation lands it in a
 * block of before its end: what was released too early is released falsely.
 */
export const forks = fc
  .record({ slot: slots, afterSec: fc.constantFrom(55, 56, 57, 57, 57, 57, 58, 59, 60, 61) })
  .map(
    ({ slot, afterSec }) =>
      new Command(
        `a fresh evm is looked at ${afterSec} s after its end, and lands in a reorganisation`,
        async (world) => {
          const process = world.process(slot);
          const payment = await world.inside(process, () => sellInPeace(world, process, 'evm'));
          if (payment === undefined) return undefined;
          world.advanceTo((payment.validBeforeSec + afterSec) * SEC);
          await world.inside(process, () => lookAt(world, process, payment));
          return payment.onChain?.landInFork() === true ? 'landed in a reorganisation' : undefined;
        },
      ),
  );

/** One operator shows a payment that never was as settled, and the other says nothing: that makes it captured, never confirmed. */
export const inventions = fc
  .record({ slot: slots, family: families, waitSec: fc.constantFrom(70, 100, 200) })
  .map(
    ({ slot, family, waitSec }) =>
      new Command(
        `a fresh ${family} is looked at ${waitSec} s later by one that makes it up, and one that is down`,
        async (world) => {
          const process = world.process(slot);
          const payment = await world.inside(process, () => sellInPeace(world, process, family));
          if (payment === undefined) return undefined;
          const { liar } = world.networks[family];
          world.setMood(family, liar, { ...HONEST, lies: ['paid'] });
          world.setMood(family, liar === 0 ? 1 : 0, { ...HONEST, down: true });
          world.advanceTo(world.trueMs + waitSec * SEC);
          await world.inside(process, () => lookAt(world, process, payment));
          return 'made up';
        },
      ),
  );

/** How long what is sold for a command of its own may land. */
const FRESH_SEC = 20;

/** Opens and signs a payment of a cent, with both operators as they should be; its bytes are out, and no call waits for it. */
async function sellInPeace(
  world: World,
  process: Process,
  family: ModelPayment['family'],
): Promise<ModelPayment | undefined> {
  for (const index of [0, 1] as const) world.setMood(family, index, HONEST);
  const request = FRESH_REQUESTS + world.payments.length;
  const wanted = { family, cents: 1, request, windowSec: FRESH_SEC, approved: true, dated: true };
  if ((await openPayment(world, process, wanted)) !== 'held') return undefined;
  const payment = world.payments.at(-1);
  await payment?.call?.sign();
  if (payment?.call?.stage !== 'sent') return undefined;
  payment.left = true;
  await hear(world, process, payment, 'silence', false);
  payment.call.end();
  payment.call = null;
  return payment;
}

/** Requests that no other command asks for. */
const FRESH_REQUESTS = 1_000;

/** The worst that the two operators of a network can be at once, while what is new is looked at. */
export const sieges = fc
  .record({
    which: whiches,
    slot: slots,
    lies,
    other: fc.constantFrom<Partial<Mood>>(
      { down: true },
      { lagBlocks: 1 },
      { lagBlocks: 40 },
      { lagBlocks: 400 },
      { keptBlocks: 20, silent: true },
    ),
    waitSec: fc.constantFrom(0, 0, 30, 100, 200),
  })
  .map(
    ({ which, slot, lies: told, other, waitSec }) =>
      new Command(
        `#${which} is looked at ${waitSec} s later by one that lies (${told.join()}) and one that is ${JSON.stringify(other)}`,
        async (world) => {
          const payment = pick(world, which, ({ left }) => left);
          if (payment === undefined) return undefined;
          const { liar } = world.networks[payment.family];
          world.setMood(payment.family, liar, { ...HONEST, lies: told });
          world.setMood(payment.family, liar === 0 ? 1 : 0, { ...HONEST, ...other });
          world.advanceTo(world.trueMs + waitSec * SEC);
          const process = world.process(slot);
          await world.inside(process, () => lookAt(world, process, payment));
          return 'siege';
        },
      ),
  );

/** Neither operator keeps its history, and it is looked at when that is long ago. */
export const oblivions = fc
  .record({ which: whiches, slot: slots, landsFirst: fc.boolean(), silent: fc.boolean() })
  .map(
    ({ which, slot, landsFirst, silent }) =>
      new Command(
        `#${which}${landsFirst ? ' lands, and' : ''} is looked at after a day, of which no operator kept more than an hour${silent ? ' or says so' : ''}`,
        async (world) => {
          const payment = pick(world, which, ({ left }) => left);
          if (payment === undefined) return undefined;
          if (landsFirst) land(world, payment);
          for (const index of [0, 1] as const)
            world.setMood(payment.family, index, { ...HONEST, keptBlocks: KEPT_BLOCKS, silent });
          world.advanceTo(world.trueMs + 24 * HOUR);
          const process = world.process(slot);
          await world.inside(process, () => lookAt(world, process, payment));
          return 'oblivion';
        },
      ),
  );

/** An hour of Solana, and some more of Base. */
const KEPT_BLOCKS = 9_000;

/** What may happen while a look waits for an answer. */
const DURING = ['nothing', 'nothing', 'lands', 'time', 'killed', 'other looks', 'answer'] as const;

export const looks = fc
  .record({
    slot: slots,
    how: fc.constantFrom<'due' | 'due' | 'one' | 'all'>('due', 'due', 'one', 'all'),
    which: whiches,
    during: fc.constantFrom(...DURING),
    atCall: fc.nat(30),
  })
  .map(
    ({ slot, how, which, during, atCall }) =>
      new Command(
        `${slot} looks at ${how === 'one' ? `#${which}` : `what is ${how}`}${during === 'nothing' ? '' : `; at call ${atCall}: ${during}`}`,
        async (world) => {
          const process = world.process(slot);
          const beside = happenDuring(world, process, during, which);
          if (beside !== null) world.duringCall(atCall, beside);
          await world.inside(process, () => look(world, process, how, which));
          return `look: ${how}`;
        },
      ),
  );

function happenDuring(
  world: World,
  process: Process,
  during: (typeof DURING)[number],
  which: number,
): (() => Promise<void>) | null {
  switch (during) {
    case 'nothing':
      return null;
    case 'lands':
      return () => {
        const payment = pick(world, which, ({ left, onChain }) => left && onChain?.mayLand() === true);
        if (payment !== undefined) land(world, payment);
        return Promise.resolve();
      };
    case 'time':
      return () => {
        world.advanceTo(world.trueMs + 2 * MINUTE);
        return Promise.resolve();
      };
    case 'killed':
      return () => {
        world.kill(process);
        return Promise.resolve();
      };
    case 'other looks':
      return async () => {
        const other = world.process(process === world.process(0) ? 1 : 0);
        await look(world, other, 'one', which).catch((error: unknown) => {
          if (other.alive) throw error;
        });
      };
    case 'answer':
      return async () => {
        const payment = pick(world, which, ({ call }) => call?.stage === 'sent' && call.process !== process);
        const call = payment?.call ?? null;
        if (payment === undefined || call === null) return;
        await hear(world, call.process, payment, 'success', false).catch((error: unknown) => {
          if (call.process.alive) throw error;
        });
        call.end();
        payment.call = null;
      };
  }
}

async function lookAt(world: World, { engine, ledger }: Process, { id }: ModelPayment): Promise<void> {
  world.figures.looks += 1;
  const row = await findAttempt(ledger, id);
  if (row !== null) await reconcileAttempt(engine, row, new AbortController().signal);
}

async function look(
  world: World,
  process: Process,
  how: 'due' | 'one' | 'all',
  which: number,
): Promise<void> {
  if (how === 'one') {
    const payment = pick(world, which, () => true);
    return payment === undefined ? undefined : lookAt(world, process, payment);
  }
  world.figures.looks += 1;
  const { signal } = new AbortController();
  if (how === 'due') return reconcileDue(process.engine, signal);
  await reconcileAll(process.engine, signal);
}
