import fc from 'fast-check';
import { expect } from 'vitest';
import { addAgent, approve, capLine, CENT, holdRequest, T0 } from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { LedgerOptions } from '../../src/ledger/ledgerStore.js';
import { LIFE, type Move } from '../../src/ledger/sqlite/lifeFixtures.js';
import { Model, type ModelPayment } from './model.js';

const HOUR_MS = 3_600_000;
const HOSTS = ['a.example.com', 'b.example.com'];
const AGENTS = ['default', 'other'];

/** Every line that a payment of an agent, session and host falls under. */
function linesOf(agent: string, session: string, host: string) {
  const line = (name: string, cents: number, over: Parameters<typeof capLine>[0]) =>
    capLine({ name, usdMicrosMax: BigInt(cents) * CENT, ...over });
  const ofSession = { scope: { kind: 'session', agent, sessionId: session }, windowSec: null } as const;
  return [
    line('day', 40, { scope: { kind: 'wallet' }, windowSec: 86_400 }),
    line('hour ceiling', 45, { scope: { kind: 'wallet' }, windowSec: 3600, kind: 'ceiling' }),
    line(`agent ${agent}`, 20, { scope: { kind: 'agent', agent }, windowSec: 7200 }),
    line('session', 15, ofSession),
    // A second, narrower cap of the same scope: what is approved past it alone counts toward the wider one.
    line(`session of ${agent}`, 9, ofSession),
    line('session ceiling', 30, { ...ofSession, kind: 'ceiling' }),
    line(`host ${host}`, 12, { scope: { kind: 'host', host }, windowSec: 3600 }),
  ];
}

const EVERY_LINE = AGENTS.flatMap((agent) =>
  HOSTS.flatMap((host) => [1, 2].flatMap((n) => linesOf(agent, `ses_${agent}_${n}`, host))),
);

/** A new ledger, and what opens it as another process does. */
export interface LedgerWorld {
  readonly ledger: Ledger;
  open(options?: Partial<LedgerOptions>): Ledger | Promise<Ledger>;
}

/** Two processes' views of one ledger, and the clock that both read. */
interface Real {
  readonly world: LedgerWorld;
  readonly ledgers: Ledger[];
  active: number;
  clockMs: number;
}

/** One thing that happens. Returns what it is called. */
type Happening = (model: Model, real: Real) => Promise<void>;

class Command implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #happen: Happening;

  constructor(name: string, happen: Happening) {
    this.#name = name;
    this.#happen = happen;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#happen(model, real);
    const ledger = ledgerOf(real);
    const usage = await ledger.usage(EVERY_LINE, real.clockMs);
    EVERY_LINE.forEach((line, i) => {
      const { least, most } = model.used(line, real.clockMs);
      expect(usage[i]).toBeGreaterThanOrEqual(least);
      expect(usage[i]).toBeLessThanOrEqual(most);
      expect(model.promised(line, real.clockMs)).toBeLessThanOrEqual(line.usdMicrosMax);
    });
    const { findings, liveUsdMicros, capturedUsdMicros, payments } = await ledger.audit();
    expect(findings).toEqual([]);
    const sum = (of: (payment: ModelPayment) => bigint) =>
      model.payments.reduce((total, one) => total + of(one), 0n);
    expect({ payments, capturedUsdMicros, liveUsdMicros }).toEqual({
      payments: model.payments.length,
      capturedUsdMicros: sum(({ place, captured }) =>
        place === 'captured' || place === 'confirmed' ? captured : 0n,
      ),
      liveUsdMicros: sum(({ place, held }) =>
        ['held', 'signed', 'sent', 'unknown'].includes(place) ? held : 0n,
      ),
    });
    expect((await ledger.head()).frozen).toBe(model.frozen);
  }

  toString(): string {
    return this.#name;
  }
}

function ledgerOf(real: Real): Ledger {
  const ledger = real.ledgers[real.active];
  if (ledger === undefined) throw new Error('No such process');
  return ledger;
}

const holds = fc
  .record({
    agent: fc.constantFrom(...AGENTS),
    session: fc.constantFrom(1, 2),
    host: fc.constantFrom(...HOSTS),
    request: fc.nat(5),
    cents: fc.integer({ min: 1, max: 9 }),
    approved: fc.boolean(),
  })
  .map(({ agent, session: n, host, request: slot, cents, approved }) => {
    const [session, request, usdMicros] = [`ses_${agent}_${n}`, `request-${slot}`, BigInt(cents) * CENT];
    const lines = linesOf(agent, session, host);
    const wanted = { request, agent, session, host, usdMicros, lines, approved };
    const name = `hold ${cents}c ${session} ${host} ${request}${approved ? ', approved' : ''}`;
    return new Command(name, async (model, real) => {
      const hold = holdRequest({
        agent,
        sessionId: session,
        host,
        requestHash: request,
        heldUsdMicros: usdMicros,
        capLines: lines,
        nowMs: real.clockMs,
      });
      // Asked at the ledger's own time: where the clock is behind it a question would have run out already.
      const askedMs = Math.max(model.ledgerMs, real.clockMs);
      const yes = approved ? await approve(ledgerOf(real), { ...hold, nowMs: askedMs }) : {};
      if (approved) model.tick(askedMs);
      const right = model.holdAnswers(wanted, real.clockMs);
      const passes = model.passes(wanted, real.clockMs);
      const before = await ledgerOf(real).usage(lines, real.clockMs);
      const result = await ledgerOf(real).openHold({ ...hold, ...yes });
      expect(right).toContain(result.kind);
      if (result.kind !== 'held') return;
      // Each cap holds at the instant of each hold, by the ledger's own reckoning too.
      const past = result.payment.pastCaps.map(([cap]) => cap);
      lines.forEach((line, i) => {
        if (!past.includes(line.name))
          expect((before[i] ?? 0n) + usdMicros).toBeLessThanOrEqual(line.usdMicrosMax);
      });
      if (!approved) expect(past).toEqual([]);
      expect(past).toEqual(expect.arrayContaining(approved ? passes.surely : []));
      expect(passes.perhaps).toEqual(expect.arrayContaining(past));
      model.tick(real.clockMs);
      const { id, openedMs } = result.payment;
      expect(openedMs).toBe(model.ledgerMs);
      model.payments.push({
        id,
        request,
        agent,
        session,
        host,
        held: usdMicros,
        past,
        approved,
        openedMs,
        place: 'held',
        captured: 0n,
        countedMs: 0,
        wasReleased: false,
      });
    });
  });

const moves = fc
  .record({
    which: fc.nat(30),
    move: fc.constantFrom<Move>(
      ...(['recordSigned', 'markSent', 'captureClaimed', 'captureConfirmed'] as const),
      ...(Object.keys(LIFE.unknown) as Move[]),
      ...(['releaseNeverSigned', 'releaseFalse', 'releaseUndone'] as const),
      ...(['recaptureShown', 'recaptureSettled'] as const),
    ),
    part: fc.integer({ min: 1, max: 4 }),
    chainLagMs: fc.option(fc.integer({ min: -60_000, max: 2 * HOUR_MS })),
  })
  .map(
    ({ which, move, part, chainLagMs }) =>
      new Command(`${move} #${which} ${part}/4 chain −${chainLagMs} ms`, async (model, real) => {
        // Few are released, so those that land all the same are looked for.
        const chosen = move.startsWith('recapture')
          ? model.payments.filter(({ place }) => place === 'released')
          : model.payments;
        const payment = chosen[chosen.length - 1 - (which % Math.max(chosen.length, 1))];
        if (payment === undefined) return;
        const allowed = model.allows(payment, move);
        const captured = (payment.held * BigInt(part)) / 4n;
        const chainMs = chainLagMs === null ? null : real.clockMs - chainLagMs;
        const { kind } = await make(ledgerOf(real), real.clockMs, payment.id, move, captured, chainMs);
        if (move === 'markSent' && model.frozen) {
          expect(kind).toBe('frozen');
          return;
        }
        if ((move === 'markSent' || move === 'recordSigned') && model.suspended.has(payment.agent)) {
          expect(kind).toBe('barred');
          return;
        }
        expect(kind).toBe(allowed ? 'done' : 'conflict');
        const next = LIFE[payment.place][move];
        if (next === undefined) return;
        model.tick(real.clockMs);
        payment.place = next;
        payment.wasReleased ||= next === 'released';
        if (next !== 'captured' && next !== 'confirmed') return;
        payment.captured = captured;
        payment.countedMs = Math.max(payment.openedMs, Math.min(chainMs ?? model.ledgerMs, model.ledgerMs));
      }),
  );

function make(
  ledger: Ledger,
  nowMs: number,
  id: string,
  move: Move,
  captured: bigint,
  chainMs: number | null,
) {
  const facts = { capturedAtomic: captured, capturedUsdMicros: captured, tx: null, receipt: null, chainMs };
  switch (move) {
    case 'recordSigned':
      return ledger.recordSigned(id, { name: 'X-PAYMENT', value: 'bytes' }, nowMs);
    case 'markSent':
      return ledger.markSent(id, { configVersion: 1, capLines: [], nowMs });
    case 'markUnknown':
      return ledger.markUnknown(id, 'timeout', nowMs);
    case 'captureClaimed':
      return ledger.capture(id, { ...facts, confirmed: false }, nowMs);
    case 'captureConfirmed':
      return ledger.capture(id, { ...facts, confirmed: true }, nowMs);
    case 'releaseNeverSigned':
      return ledger.release(id, 'never_signed', nowMs);
    case 'releaseUnused':
      return ledger.release(id, 'expired_unused', nowMs);
    case 'releaseFalse':
      return ledger.release(id, 'receipt_false', nowMs);
    case 'recaptureShown':
      return ledger.recapture(id, { ...facts, tx: '0x01', confirmed: false }, nowMs);
    case 'recaptureSettled':
      return ledger.recapture(id, { ...facts, tx: '0x01', confirmed: true }, nowMs);
    case 'releaseUndone':
      return ledger.release(id, 'capture_undone', nowMs);
  }
}

const clocks = fc.constantFrom(-HOUR_MS, HOUR_MS, 1, 1000, 59_999, 60_000, 20 * 60_000, 24 * HOUR_MS).map(
  (ms) =>
    new Command(`clock ${ms > 0 ? '+' : ''}${ms} ms`, (_model, real) => {
      real.clockMs += ms;
      return Promise.resolve();
    }),
);

const switches = fc.constantFrom<Command>(
  new Command('freeze', async (model, real) => {
    expect(await ledgerOf(real).freeze(real.clockMs)).toBe(!model.frozen);
    if (!model.frozen) model.tick(real.clockMs);
    model.frozen = true;
  }),
  new Command('freeze without keys', async (model, real) => {
    const locked = await real.world.open({ mac: null });
    expect(await locked.freeze(real.clockMs)).toBe(!model.frozen);
    await locked.close();
    if (!model.frozen) model.tick(real.clockMs);
    model.frozen = true;
  }),
  ...Array.from(
    { length: 3 },
    () =>
      new Command('unfreeze', async (model, real) => {
        expect(await ledgerOf(real).unfreeze(real.clockMs)).toBe(model.frozen);
        if (model.frozen) model.tick(real.clockMs);
        model.frozen = false;
      }),
  ),
);

const suspensions = fc
  .record({ agent: fc.constantFrom(...AGENTS), suspend: fc.constantFrom(true, false, false, false) })
  .map(
    ({ agent, suspend }) =>
      new Command(`${suspend ? 'suspend' : 'resume'} ${agent}`, async (model, real) => {
        const act = suspend ? 'suspend' : 'resume';
        const { changed } = await ledgerOf(real).agents.change(agent, { act }, real.clockMs);
        expect(changed).toBe(model.suspended.has(agent) !== suspend);
        if (changed) model.tick(real.clockMs);
        if (suspend) model.suspended.add(agent);
        else model.suspended.delete(agent);
      }),
  );

const processes = fc.constantFrom<Command>(
  new Command('the other process', (_model, real) => {
    real.active = 1 - real.active;
    return Promise.resolve();
  }),
  new Command('restart', async (_model, real) => {
    await ledgerOf(real).close();
    real.ledgers[real.active] = await real.world.open();
  }),
);

/** What was come by in all runs together. */
export interface ModelRuns {
  readonly payments: number;
  readonly approvedPast: number;
  readonly recaptured: number;
}

/**
 * Whatever happens in whatever order, the ledger is the model. `inWorld` makes a new ledger for each run, and ends it. A `seed` has
 * the same happen each time, where the runs are too few for what is drawn to be much.
 */
export async function checkAgainstModel(
  inWorld: (run: (world: LedgerWorld) => Promise<void>) => Promise<void>,
  numRuns: number,
  seed?: number,
): Promise<ModelRuns> {
  const commands = fc.commands(
    [holds, holds, holds, moves, moves, moves, clocks, switches, suspensions, processes].map(
      (one) => one as fc.Arbitrary<Command>,
    ),
    { maxCommands: 60, size: 'max' },
  );
  let [payments, approvedPast, recaptured] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(commands, (happenings) =>
      inWorld(async (world) => {
        await addAgent(world.ledger);
        const model = new Model(T0);
        const ledgers = [world.ledger, await world.open()];
        const real = { world, ledgers, active: 0, clockMs: T0 };
        await fc.asyncModelRun(() => ({ model, real }), happenings);
        payments += model.payments.length;
        approvedPast += model.payments.filter(({ past }) => past.length > 0).length;
        recaptured += model.payments.filter(
          ({ wasReleased, place }) => wasReleased && place !== 'released',
        ).length;
      }),
    ),
    { numRuns, ...(seed === undefined ? {} : { seed }) },
  );
  return { payments, approvedPast, recaptured };
}
