import type { HoldRequest } from '../../src/ledger/attempts/hold.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import {
  approve,
  bearer,
  capLine,
  captured,
  CENT,
  held,
  holdRequest,
  sent,
  T0,
} from '../../src/ledger/sqlite/fixtures.js';
import type { Payment } from '../../src/ledger/attempts/payment.js';

/** Every kind of line over the payments of {@link fillWithEverything}; one window begins in the minute of the first. */
const EVERY_LINE = [
  capLine({ scope: { kind: 'wallet' }, windowSec: 90_060 }),
  capLine({ scope: { kind: 'wallet' }, windowSec: 86_400 }),
  capLine({ scope: { kind: 'wallet' }, windowSec: 30 * 86_400 }),
  capLine({ scope: { kind: 'agent', agent: 'default' } }),
  capLine({ scope: { kind: 'host', host: 'api.example.com' } }),
  capLine({ scope: { kind: 'host', host: 'api.example.com:443' } }),
  capLine({ scope: { kind: 'category', category: 'search' } }),
];

/** What stands in a ledger after {@link fillWithEverything}. */
export interface Everything {
  readonly signed: Payment;
  readonly captured: Payment;
  /** What a hold asks for by an approval that was given and not used. */
  readonly approved: Partial<HoldRequest>;
  readonly quoteId: string;
  readonly sessionId: string;
  /** A run that is open, and under it another one. */
  readonly runId: string;
  readonly innerRunId: string;
  /** One that is ended later. */
  readonly endedRunId: string;
  /** Later than every entry. */
  readonly nowMs: number;
}

/** Puts at least one row into every table, and a value into every column. */
export async function fillWithEverything(ledger: Ledger): Promise<Everything> {
  const { id: sessionId } = await ledger.touchSession('default', T0);
  const { id: quoteId } = await ledger.saveQuote({
    agent: 'default',
    sessionId,
    requestHash: 'quoted',
    request: '{"method":"GET"}',
    challenge: '{"x402Version":2}',
    offerIndex: 0,
    usdMicros: CENT,
    createdMs: T0,
    expiresMs: T0 + 60_000,
  });
  const runId = await openRun(ledger, null);
  const innerRunId = await openRun(ledger, runId);
  await ledger.budgets.end(await openRun(ledger, runId), T0);
  const endedRunId = await openRun(ledger, null);
  const full: Partial<HoldRequest> = {
    sessionId,
    budgetId: innerRunId,
    category: 'search',
    reason: 'to know',
    labels: { team: 'search', model: 'small' },
    quoteId,
    nowMs: T0,
  };
  const paid = await captured(
    ledger,
    { ...full, idempotencyKey: 'key-1', heldUsdMicros: 3n * CENT },
    { confirmed: true, chainMs: T0, receipt: '{"success":true}' },
  );
  await captured(ledger, { ...full, nowMs: T0 + 90_000_000 });
  const unknown = await sent(ledger, { ...full, nowMs: T0 + 90_000_001, heldUsdMicros: 2n * CENT });
  await ledger.markUnknown(unknown.id, 'second_402', T0 + 90_000_002);
  const factor = { id: 'factor-1', record: '{"kind":"passphrase"}', addedMs: T0 };
  await ledger.factors.add(factor, null, T0 + 90_000_002);
  const past = {
    ...full,
    payTo: '0xpayee',
    nowMs: T0 + 90_000_002,
    capLines: [capLine({ usdMicrosMax: 0n })],
  };
  await captured(ledger, { ...past, ...(await approve(ledger, past)) });
  const unused = await held(ledger, { ...past, ...(await approve(ledger, past)) });
  await ledger.release(unused.id, 'never_signed', T0 + 90_000_002);
  const dropped = await held(ledger, { ...full, nowMs: T0 + 90_000_003 });
  await ledger.release(dropped.id, 'never_signed', T0 + 90_000_004);
  await ledger.saveAnswer(
    {
      paymentId: paid.id,
      agent: 'default',
      status: 200,
      headers: [['content-type', 'text/plain']],
      body: new TextEncoder().encode('answer'),
      storedId: 'res_1',
      bytes: 6,
      truncated: false,
      storedMs: T0 + 90_000_005,
    },
    'delivered',
  );
  await ledger.entitlements.save(bearer({ paymentId: paid.id, subject: 'order-1' }), T0 + 90_000_005);
  await ledger.resetCircuitBreaker('https://api.example.com', T0 + 90_000_005);
  const nowMs = T0 + 90_060_000;
  await ledger.touchSession('default', nowMs);
  const { id } = await held(ledger, { ...full, idempotencyKey: 'key-2', nowMs });
  await ledger.saveLook({ paymentId: unknown.id, dueMs: nowMs, failures: 1, reason: 'rpc_down' });
  const mark = JSON.stringify({ block: '1' });
  await ledger.saveWitnesses(unknown.id, [{ operator: 'https://rpc.example.com', mark, search: '{}' }]);
  const other = { ...full, payTo: '0xother', nowMs };
  const grant = { ...other, ...(await approve(ledger, other)) };
  const result = await ledger.recordSigned(id, { name: 'X-PAYMENT', value: 'bytes' }, nowMs);
  if (result.kind !== 'done') throw new Error(`Signing ended as ${result.kind}`);
  return {
    ...{ signed: result.attempt, captured: paid, approved: grant, quoteId, sessionId },
    ...{ runId, innerRunId, endedRunId, nowMs },
  };
}

async function openRun(ledger: Ledger, parentId: string | null): Promise<string> {
  const expiresMs = T0 + 30 * 86_400_000;
  const amountUsdMicros = (parentId === null ? 1_000n : 100n) * CENT;
  const opened = await ledger.budgets.open(
    { parentId, kind: 'run', agent: 'default', name: 'claude', amountUsdMicros, expiresMs },
    T0,
  );
  if (opened.kind !== 'open') throw new Error(`The run ended as ${opened.kind}`);
  return opened.node.id;
}

/** Everything that signing does and reads. Each call is one step of it, and rejects where it refuses to go on. */
export function signingSteps(ledger: Ledger, everything: Everything) {
  const { signed, captured, approved, quoteId, sessionId, innerRunId, nowMs } = everything;
  const session = capLine({ scope: { kind: 'session', agent: 'default', sessionId }, windowSec: null });
  const lines = { sessionId, category: 'search', capLines: [...EVERY_LINE, session], nowMs };
  const rateLines = [{ name: 'rate', scope: { kind: 'wallet' }, windowSec: 3600, callsMax: 1 }] as const;
  return {
    session: () => ledger.touchSession('default', nowMs + 60_000),
    quote: async () => ledger.findQuote('default', quoteId),
    twin: () => ledger.openHold(holdRequest({ ...lines, requestHash: signed.requestHash })),
    key: () => ledger.openHold(holdRequest({ ...lines, idempotencyKey: 'key-1' })),
    rate: () => ledger.openHold(holdRequest({ ...lines, rateLines })),
    hold: () => ledger.openHold(holdRequest(lines)),
    run: () => ledger.openHold(holdRequest({ ...lines, budgetId: innerRunId })),
    send: () => ledger.markSent(signed.id, { configVersion: 1, capLines: [], nowMs }),
    approved: () => ledger.openHold(holdRequest({ ...lines, ...approved })),
    factor: async () => (await ledger.factors.list())[0] ?? null,
    replay: async () => ledger.findAnswer('default', { paymentId: captured.id }),
    history: async () => ledger.originHistory('https://api.example.com', 'eip155'),
    prices: async () => ledger.endpointPrices({ method: 'GET', url: captured.url }, nowMs),
  };
}

/** A step of {@link signingSteps}. */
export type SigningStep = keyof ReturnType<typeof signingSteps>;
