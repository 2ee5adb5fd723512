import { findAttempt } from '../../support/books.js';
import fc from 'fast-check';
import type { AnyAttempt } from '../../../src/ledger/attempts/withdrawal.js';
import { NetFailure } from '../../../src/net/failure.js';
import type { SettlementReceipt } from '../../../src/payment/challenge.js';
import { recordClaim, recordSilence, settleClaim } from '../../../src/wallet/settle/claim.js';
import { underLease } from '../../../src/wallet/leaseKeeper.js';
import { reconcileAttempt } from '../../../src/wallet/settle/reconcile.js';
import type { ModelPayment } from '../payment.js';
import { LINES, openPayment, openWithdrawal } from '../wallet.js';
import type { Process, World } from '../world.js';
import { Command, families, land, pick, slots, whiches } from './command.js';

export const opens = fc
  .record({
    slot: slots,
    family: families,
    cents: fc.integer({ min: 1, max: 6 }),
    request: fc.nat(15),
    windowSec: fc.constantFrom(20, 60, 300, 600),
    approved: fc.constantFrom(false, false, false, true),
    dated: fc.boolean(),
    goesOn: fc.constantFrom<'' | ', signed' | ', signed, and nothing leaves'>(
      '',
      ', signed',
      ', signed',
      ', signed',
      ', signed, and nothing leaves',
    ),
  })
  .map(
    ({ slot, goesOn, ...wanted }) =>
      new Command(
        `open ${wanted.cents}c ${wanted.family} request ${wanted.request} for ${wanted.windowSec} s${wanted.approved ? ', approved' : ''} in ${slot}${goesOn}`,
        async (world) => {
          const process = world.process(slot);
          const came = await world.inside(process, () => openPayment(world, process, wanted));
          if (came === 'held' && goesOn !== '') await sign(world, 0, goesOn === ', signed');
          return `open: ${came}`;
        },
      ),
  );

export const withdrawals = fc
  .record({ slot: slots, family: families, cents: fc.integer({ min: 1, max: 50 }) })
  .map(
    ({ slot, family, cents }) =>
      new Command(`withdraw ${cents}c ${family} in ${slot}`, async (world) => {
        const process = world.process(slot);
        return `withdraw: ${await world.inside(process, () => openWithdrawal(world, process, family, cents))}`;
      }),
  );
export const signs = fc
  .record({ which: whiches, leaves: fc.constantFrom(true, true, true, false) })
  .map(
    ({ which, leaves }) =>
      new Command(`sign #${which}${leaves ? '' : ', and nothing leaves'}`, (world) =>
        sign(world, which, leaves),
      ),
  );

/** Signs for a hold, makes that durable, and hands the bytes over where they leave. */
async function sign(world: World, which: number, leaves: boolean): Promise<string | undefined> {
  const payment = pick(world, which, ({ call }) => call?.stage === 'held');
  const call = payment?.call ?? null;
  if (payment === undefined || call === null) return undefined;
  await world.inside(call.process, call.sign);
  if (call.stage !== 'sent') return 'sign: refused';
  payment.left = leaves;
  return 'sign: sent';
}

/** What a seller says, whatever is true. */
const ANSWERS = [
  'success',
  'failed',
  'failed 200',
  'pending',
  'second 402',
  'error',
  'verify refused',
  'silence',
] as const;

export const answers = fc
  .record({
    which: whiches,
    answer: fc.constantFrom(...ANSWERS),
    landsFirst: fc.boolean(),
    asks: fc.boolean(),
  })
  .map(
    ({ which, answer, landsFirst, asks }) =>
      new Command(
        `seller of #${which}${landsFirst ? ' lands it and' : ''} says ${answer}${asks ? '' : ', and the chain is not asked'}`,
        async (world) => {
          const payment = pick(world, which, ({ call }) => call?.stage === 'sent');
          const call = payment?.call ?? null;
          if (payment === undefined || call === null) return undefined;
          if (landsFirst) land(world, payment);
          await world.inside(call.process, () => hear(world, call.process, payment, answer, asks));
          call.end();
          payment.call = null;
          return `answer: ${answer}`;
        },
      ),
  );

/** What the call does with an answer, as `deliver` does it. */
export async function hear(
  world: World,
  { engine, ledger }: Process,
  payment: ModelPayment,
  answer: (typeof ANSWERS)[number],
  asks: boolean,
): Promise<void> {
  const before = await findAttempt(ledger, payment.id);
  if (before === null) throw new Error('The row is gone');
  const claimed = await recordAnswer(world, engine, payment, before, answer);
  const patience = { isRejected: answer === 'verify refused', withinMs: 60_000 };
  if (asks) await settleClaim(engine, before, claimed, patience);
}

function recordAnswer(
  _world: World,
  engine: Process['engine'],
  { left, onChain }: ModelPayment,
  before: AnyAttempt,
  answer: (typeof ANSWERS)[number],
): Promise<AnyAttempt> {
  if (!left)
    return recordSilence(
      engine,
      before,
      new NetFailure('unreachable', 'No way to it.', { leg: 'connect', bytesLeft: false }),
    );
  const receipt = (
    success: boolean,
    transaction = onChain?.transaction() ?? undefined,
  ): SettlementReceipt => ({
    success,
    transaction,
    networkOnWire: before.network,
    errorReason: undefined,
    amountAtomic: undefined,
  });
  const failed = { ...receipt(false), transaction: undefined };
  switch (answer) {
    case 'success':
      return recordClaim(engine, before, 200, receipt(true));
    case 'failed':
      return recordClaim(engine, before, 402, failed);
    case 'failed 200':
      return recordClaim(engine, before, 200, failed);
    case 'pending':
      return recordClaim(engine, before, 202, receipt(false));
    case 'second 402':
    case 'verify refused':
      return recordClaim(engine, before, 402, null);
    case 'error':
      return recordClaim(engine, before, 500, null);
    case 'silence':
      return recordSilence(
        engine,
        before,
        new NetFailure('timed_out', 'No answer.', { leg: 'sent', bytesLeft: true }),
      );
  }
}
/** The same call again: what was signed is sent once more, where the chain shows it unused and alive. */
export const resends = fc.record({ slot: slots, which: whiches }).map(
  ({ slot, which }) =>
    new Command(`send #${which} again in ${slot}`, async (world) => {
      const process = world.process(slot);
      const { engine, ledger } = process;
      return world.inside(process, async () => {
        const payment = pick(
          world,
          which,
          (one) => one.call === null && one.onChain !== null && !one.isWithdrawal,
        );
        const row = payment === undefined ? null : await ledger.findPayment(payment.id);
        if (payment === undefined || row === null || !['signed', 'unknown'].includes(row.state))
          return undefined;
        const { stillValid, attempt: seen } = await reconcileAttempt(
          engine,
          row,
          new AbortController().signal,
        );
        if (!stillValid || seen.state === 'captured') return undefined;
        const sent = await ledger.markSent(row.id, {
          configVersion: 1,
          capLines: LINES,
          nowMs: world.nowMs(),
        });
        if (sent.kind !== 'done') return `send again: ${sent.kind}`;
        payment.left = true;
        let end = (): void => undefined;
        void underLease(engine, row.id, () => new Promise<void>((resolve) => (end = resolve)));
        payment.call = { process, stage: 'sent', sign: () => Promise.resolve(), end };
        return 'sent again';
      });
    }),
);
