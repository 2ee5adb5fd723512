import type { CommitPoint } from '../../src/ledger/commitPoint.js';
import { captureFacts, held, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { openAt, type LedgerPlace } from './ledgerPlace.js';
import { LIFE_REQUEST } from './crash.js';

/** Where the crash test lets this process die. */
export interface CrashOrder {
  readonly place: LedgerPlace;
  readonly point: CommitPoint;
  readonly side: 'beforeCommit' | 'afterCommit';
}

const { place, point, side } = JSON.parse(process.argv[2] ?? '') as CrashOrder;
const ledger = await openAt(place, {
  mac: testMac(),
  observer: {
    [side]: (reached: CommitPoint) => {
      if (reached === point) process.kill(process.pid, 'SIGKILL');
    },
  },
});

/** One payment through all of its life, a second that is dropped, and the owner's switches: every commit point once. */
await ledger.touchSession('default', T0);
await ledger.saveQuote({
  agent: 'default',
  sessionId: 'ses_1',
  requestHash: 'quoted',
  request: '{}',
  challenge: '{}',
  offerIndex: 0,
  usdMicros: 1n,
  createdMs: T0,
  expiresMs: T0 + 60_000,
});
const payment = await held(ledger, { requestHash: LIFE_REQUEST });
const { id } = payment;
await ledger.recordSigned(id, { name: 'X-PAYMENT', value: 'bytes' }, T0);
await ledger.markSent(id, { configVersion: 1, capLines: [], nowMs: T0 });
await ledger.markUnknown(id, 'timeout', T0);
await ledger.capture(id, captureFacts(payment), T0);
await ledger.saveAnswer({
  paymentId: id,
  agent: 'default',
  status: 200,
  headers: [],
  body: null,
  storedId: null,
  bytes: 0,
  truncated: false,
  storedMs: T0,
});
await ledger.capture(id, captureFacts(payment, { confirmed: true, chainMs: T0 }), T0);
const dropped = await held(ledger);
await ledger.release(dropped.id, 'never_signed', T0);
await ledger.noteConfigVersion(2, T0);
await ledger.freeze(T0);
console.log(JSON.stringify('survived'));
