import { expect, test } from 'vitest';
import type { Payment } from '../../attempts/payment.js';
import type { ImportedPayment } from '../../books/rebuild.js';
import { capLine, captured, CENT, held, newLedger, sent, T0 } from '../fixtures.js';

const DAY = capLine({ windowSec: 86_400 });
const TX = `0x${'7e'.repeat(32)}`;
const MINUTE_MS = 60_000;
/** Proved to have taken a third of what was held. */
const PART = { capturedAtomic: CENT, capturedUsdMicros: CENT, confirmed: true };

const PAYEE = '0x0000000000000000000000000000000000000b0b';

/** How the chain shows a payment whose nonce stands in its logs. */
function onChain(
  { agent, network, asset, payFrom, payTo, nonce, heldAtomic, heldUsdMicros }: Payment,
  over: Partial<ImportedPayment> = {},
): ImportedPayment {
  return {
    ...{ agent, network, asset, payFrom, payTo, nonce, named: null },
    ...{ protocol: 'x402', scheme: 'exact', amountAtomic: heldAtomic, usdMicros: heldUsdMicros },
    ...{ tx: TX, blockTimeMs: T0, toOwn: false },
    ...over,
  };
}

/** The same where its transaction alone names the nonce. */
const named = (row: Payment, over: Partial<ImportedPayment> = {}): ImportedPayment =>
  onChain(row, { nonce: null, named: row.nonce, ...over });

type World = ReturnType<typeof newLedger>;

async function rebuild({ ledger }: World, ...found: ImportedPayment[]) {
  await ledger.beginRebuild(T0 + MINUTE_MS);
  return ledger.finishRebuild(found, T0 + MINUTE_MS);
}
const used = async ({ ledger }: World): Promise<bigint | undefined> =>
  (await ledger.usage([DAY], T0 + MINUTE_MS))[0];

test('what an open payment moved is that payment, whether logs or a transaction name it', async () => {
  for (const shownAs of [onChain, named]) {
    using world = newLedger();
    const open = await sent(world.ledger);
    expect(await rebuild(world, shownAs(open))).toEqual({ imported: 0, contradicted: [] });
    expect(await used(world)).toBe(open.heldUsdMicros);
  }
});

test('a transfer that names a payment and cannot be all of what that counts is counted by itself', async () => {
  using world = newLedger();
  const open = await sent(world.ledger);
  const paid = await captured(world.ledger, { heldAtomic: 3n * CENT, heldUsdMicros: 3n * CENT }, PART);
  const lies: ImportedPayment[] = [
    named(open, { amountAtomic: open.heldAtomic + 1n }),
    named(open, { payTo: '0x0000000000000000000000000000000000000b0b' }),
    named(paid, { amountAtomic: (paid.capturedAtomic ?? 0n) + 1n, tx: `0x${'7f'.repeat(32)}` }),
  ];
  expect(await rebuild(world, ...lies)).toMatchObject({ imported: 3 });
  // A second look knows them by their place.
  expect(await rebuild(world, ...lies)).toMatchObject({ imported: 0 });
});

test('what was added to a deposit since the copy is counted by itself, once', async () => {
  using world = newLedger();
  const { ledger } = world;
  const deposit = await sent(ledger, { protocol: 'mpp', scheme: 'channel', nonce: '0xc1' });
  const added = named(deposit, { tx: `0x${'7f'.repeat(32)}`, amountAtomic: CENT / 2n, usdMicros: CENT / 2n });
  expect(await rebuild(world, named(deposit), added)).toMatchObject({ imported: 1 });
  expect(await used(world)).toBe(deposit.heldUsdMicros + CENT / 2n);
  expect(await rebuild(world, named(deposit), added)).toMatchObject({ imported: 0 });
});

test('a deposit that was lost comes in as one that is open, known by its channel; one that was let go is counted by itself', async () => {
  using world = newLedger();
  const { ledger } = world;
  const shown = (nonce: string): ImportedPayment => ({
    ...onChain({ ...lost, nonce }, { nonce: null, named: nonce, payTo: PAYEE }),
    ...{ protocol: 'mpp', scheme: 'channel', openingFeeAtomic: 100n },
  });
  const lost = await held(ledger, {
    protocol: 'mpp',
    scheme: 'channel',
    nonce: '0xdead',
    heldUsdMicros: 5n * CENT,
  });
  expect(await rebuild(world, shown('0xc1'))).toMatchObject({ imported: 1 });
  const [row] = (await ledger.openAttemptsFrom(lost.network, lost.asset, lost.payFrom, 9)).filter(
    ({ nonce }) => nonce === '0xc1',
  );
  expect(row).toMatchObject({ state: 'unknown', payTo: PAYEE, heldAtomic: 5n * CENT, payload: null });
  expect(JSON.parse(row!.receipt!)).toEqual({ opening_fee_atomic: '100' });
  expect(await rebuild(world, shown('0xc1'))).toMatchObject({ imported: 0 });
  expect(await rebuild(world, shown('0xdead'))).toMatchObject({ imported: 1 });
  await ledger.release(lost.id, 'never_signed', T0 + MINUTE_MS);
  expect(await used(world)).toBe(10n * CENT);
  expect((await ledger.audit()).findings).toEqual([]);
});

test('one that was let go does not hide what a transaction names', async () => {
  using world = newLedger();
  const { ledger } = world;
  const open = await sent(ledger);
  await ledger.markUnknown(open.id, 'no_answer', T0);
  await ledger.release(open.id, 'expired_unused', T0);
  expect(await rebuild(world, named(open))).toMatchObject({ imported: 1 });
  expect(await used(world)).toBe(open.heldUsdMicros);
});

test('a copy of the moment between hold and signature counts what was signed a moment later', async () => {
  for (const shownAs of [onChain, named]) {
    using world = newLedger();
    const { ledger } = world;
    const open = await held(ledger);
    expect(await rebuild(world, shownAs(open))).toEqual({ imported: 1, contradicted: [] });
    // Nobody ever knew it as signed: it is let go, and looked at no more.
    await ledger.release(open.id, 'never_signed', T0 + MINUTE_MS);
    expect(await used(world)).toBe(open.heldUsdMicros);
    expect(await rebuild(world, shownAs(open))).toEqual({ imported: 0, contradicted: [] });
    expect(await used(world)).toBe(open.heldUsdMicros);
  }
});
