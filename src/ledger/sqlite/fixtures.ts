import { X402 } from '../../protocols/protocol.js';
import { newApprovalId } from '../books/approval.js';
import type { NewEntitlement } from '../books/entitlement.js';
import type { MacFunction } from '../ledgerStore.js';
import type { HoldRequest } from '../attempts/hold.js';
import type { CaptureFacts } from '../attempts/transition.js';
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { CapLine } from '../../money/cap.js';
import { hashToken } from '../../money/agent.js';
import type { Ledger } from '../ledger.js';
import { SqliteLedger, type SqliteOptions } from './sqliteLedger.js';
import type { Attempt } from '../attempts/attempt.js';
import type { Payment } from '../attempts/payment.js';

/** A Monday morning in 2026, on a full minute: tests add to it and never read the clock. */
export const T0 = Date.UTC(2026, 5, 1, 9, 0, 0);

/** The code a keystore would make, with a key of the tests' own. */
export function testMac(key = 'tests'): MacFunction {
  const secret = createSecretKey(Buffer.from(key));
  return (data) => createHmac('sha256', secret).update(data).digest();
}

/** Memory-backed where there is one: what is tested is not the disk. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A new folder, gone when `using` ends. `onDisk` asks for a real one, for measurements. */
export function scratchFolder({ onDisk = false } = {}): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(onDisk ? tmpdir() : SCRATCH, 'purser-ledger-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A new ledger in a folder of its own; both are gone when `using` ends. */
export function newLedger(options: Partial<SqliteOptions> = {}): Disposable & {
  readonly path: string;
  readonly ledger: Ledger;
  open(other?: Partial<SqliteOptions>): Ledger;
} {
  const folder = scratchFolder();
  const path = join(folder.path, 'purser.db');
  const mac = testMac();
  SqliteLedger.create(path, { mac, nowMs: T0, configVersion: 1 });
  const opened: Ledger[] = [];
  const open = (other: Partial<SqliteOptions> = {}): Ledger => {
    const ledger = SqliteLedger.open(path, { mac, ...options, ...other });
    opened.push(ledger);
    return ledger;
  };
  return {
    path,
    ledger: open(),
    open,
    [Symbol.dispose]: () => {
      for (const ledger of opened) void ledger.close();
      folder[Symbol.dispose]();
    },
  };
}

/** One cent of the caps below. */
export const CENT = 10_000n;

/** A cap line; by default $5 a day for the whole wallet. */
export function capLine(over: Partial<CapLine> = {}): CapLine {
  return {
    name: 'limits.per_day_usd',
    kind: 'cap',
    scope: { kind: 'wallet' },
    windowSec: 86_400,
    usdMicrosMax: 500n * CENT,
    ...over,
  };
}

/** A hold of one cent for a request of its own, bounded by nothing; name what the test is about. */
export function holdRequest(over: Partial<HoldRequest> = {}): HoldRequest {
  const host = over.host ?? 'api.example.com';
  return {
    agent: 'default',
    sessionId: 'ses_1',
    requestHash: randomBytes(32).toString('hex'),
    idempotencyKey: null,
    method: 'GET',
    url: `https://${host}/report?id=1`,
    origin: `https://${host}`,
    host,
    category: null,
    protocol: X402,
    scheme: 'exact',
    network: 'eip155:84532',
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    payFrom: '0x1111111111111111111111111111111111111111',
    payTo: '0x2222222222222222222222222222222222222222',
    heldAtomic: over.heldUsdMicros ?? CENT,
    heldUsdMicros: CENT,
    nonce: `0x${randomBytes(32).toString('hex')}`,
    validAfterSec: T0 / 1000 - 60,
    validBeforeSec: T0 / 1000 + 60,
    configVersion: 1,
    reason: null,
    quoteId: null,
    capLines: [],
    rateLines: [],
    nowMs: T0,
    ...over,
  };
}

/** A token that was bought, as the wallet hands it to be kept. */
export function bearer(over: Partial<NewEntitlement> = {}): NewEntitlement {
  return {
    ...{ agent: 'default', kind: 'bearer', origin: 'https://api.example.com', path: '/v1/', subject: '' },
    ...{ valueLeft: '4.20', unit: 'usd', expiresMs: T0 + 90_120_000, paymentId: 'pay_1', facts: '{}' },
    secret: Uint8Array.from([1, 2, 3]),
    ...over,
  };
}

/** Adds an agent beside the first one. */
export async function addAgent(ledger: Ledger, name = 'other', index = 1): Promise<void> {
  await ledger.agents.change(name, { act: 'add', index, tokenHash: hashToken(name) }, T0);
}

/** Opens a hold that must be granted. */
export async function held(ledger: Ledger, over: Partial<HoldRequest> = {}): Promise<Payment> {
  const result = await ledger.openHold(holdRequest(over));
  if (result.kind !== 'held') throw new Error(`The hold ended as ${result.kind}`);
  return result.payment;
}

/**
 * The owner's yes to a hold, given in their client's prompt or, where the ledger has one, with its first factor.
 * Returns what the hold is then to say.
 */
export async function approve(
  ledger: Ledger,
  over: Partial<HoldRequest> = {},
): Promise<Pick<HoldRequest, 'requestHash' | 'approvalId'>> {
  const { requestHash, nowMs, heldAtomic, heldUsdMicros, ...request } = holdRequest(over);
  const { agent, sessionId, origin, network, asset, payTo } = request;
  const id = newApprovalId();
  await ledger.approvals.ask({
    ...{ id, agent, sessionId, requestHash, origin, network, asset, payTo },
    ...{ askKey: id, digest: 'digest', question: '{}', request: '{}', challenge: '{}', offerIndex: 0 },
    amountAtomic: heldAtomic,
    usdMicros: heldUsdMicros,
    createdMs: nowMs,
    expiresMs: nowMs + 600_000,
  });
  const [factor] = await ledger.factors.list();
  const proof =
    factor === undefined
      ? ({ how: 'elicitation', elicitedUsdMicrosMax: 10n ** 15n } as const)
      : ({
          how: 'factor',
          factor: { id: factor.id, before: factor.record, record: factor.record, clearsTries: null },
        } as const);
  const decision = { state: 'approved', answer: '{"once":true}', by: 'owner', nowMs, ...proof } as const;
  const { kind } = await ledger.approvals.decide(id, decision);
  if (kind !== 'done') throw new Error(`The approval ended as ${kind}`);
  return { requestHash, approvalId: id };
}

/** A payment that was held, signed and sent, all at the hold's time. */
export async function sent(ledger: Ledger, over: Partial<HoldRequest> = {}): Promise<Payment> {
  const { id, openedMs: nowMs, configVersion } = await held(ledger, over);
  await ledger.recordSigned(id, { name: 'PAYMENT-SIGNATURE', value: 'c2lnbmVk' }, nowMs);
  const result = await ledger.markSent(id, { configVersion, capLines: [], nowMs });
  if (result.kind !== 'done') throw new Error(`Sending ended as ${result.kind}`);
  return result.attempt;
}

/** What a receipt says of a payment; name what the test is about. */
export function captureFacts(payment: Attempt, over: Partial<CaptureFacts> = {}): CaptureFacts {
  return {
    capturedAtomic: payment.heldAtomic,
    capturedUsdMicros: payment.heldUsdMicros,
    tx: `0x${payment.nonce.slice(2)}`,
    receipt: null,
    confirmed: false,
    chainMs: null,
    ...over,
  };
}

/** A payment that was captured at the hold's time, on the seller's word unless `facts` say more. */
export async function captured(
  ledger: Ledger,
  over: Partial<HoldRequest> = {},
  facts: Partial<CaptureFacts> = {},
): Promise<Payment> {
  const payment = await sent(ledger, over);
  const result = await ledger.capture(payment.id, captureFacts(payment, facts), payment.openedMs);
  if (result.kind !== 'done') throw new Error('The capture met a conflict');
  return result.attempt;
}

/**
 * Changes a ledger's rows as a program without our keys could: with the triggers out of the way for the moment, and
 * the tables afterwards as they were.
 */
export function editBehind(path: string, edit: string | ((db: Database.Database) => void)): void {
  const db = new Database(path);
  try {
    db.defaultSafeIntegers(true);
    db.pragma('ignore_check_constraints = ON');
    const triggers = db.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`).all() as {
      name: string;
      sql: string;
    }[];
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    if (typeof edit === 'string') db.exec(edit);
    else edit(db);
    for (const { sql } of triggers) db.exec(sql);
  } finally {
    db.close();
  }
}
