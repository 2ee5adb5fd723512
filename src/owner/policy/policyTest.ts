import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { ApprovalBook, ReportReader } from '../../ledger/ledger.js';
import { findAsset } from '../../money/asset.js';
import type { CapLine } from '../../money/cap.js';
import { findNetwork } from '../../money/network.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { Offer, PaidFromDeposit } from '../../payment/challenge.js';
import { MODEL_LABEL } from '../../payment/labels.js';
import { hostPortOf } from '../../policy/host.js';
import { capLines, MONTH_SEC, rateLines } from '../../policy/limits.js';
import { modelCap } from '../../policy/model.js';
import { Replay, type Replayed, type ReplayedPayment, type ReplayPolicy } from '../../policy/replay.js';
import type { Stop } from '../../policy/verdict.js';
import { isCommitment, isDeposit, isDrawn } from '../../protocols/protocol.js';
import { isSessionCap, lineRequest, payeeGrantKey, sessionGrantKey } from '../../wallet/call/ownerRules.js';
import { rulesOf } from '../../wallet/call/selection.js';

/** Rows read at a time. */
const ROWS_AT_ONCE = 500;
/** They are judged in memory, oldest first: what is more takes gigabytes. */
const PAYMENTS_MAX = 500_000;
/** Before the time that is asked about, so that its windows are as full as they were. */
const BEFORE_MS = MONTH_SEC * 1000;
/** The note of a payment that came in from the chain: nobody knows what it bought. */
const IMPORTED = 'imported';

/** What a policy is tried on. */
export interface TestedLedger {
  readonly payments: Pick<ReportReader, 'listAttempts'>;
  /** What the owner allowed when asked; null where the keys are not at hand. */
  readonly approvals: Pick<ApprovalBook, 'grant'> | null;
}

/** A payment that the policy would have stopped. */
export interface StoppedPayment {
  readonly payment: TestedPayment;
  readonly decision: 'ask' | 'refuse';
  readonly reasons: readonly [Stop, ...Stop[]];
}

/** What of a payment is told. */
export type TestedPayment = Pick<
  Payment,
  'id' | 'agent' | 'method' | 'url' | 'host' | 'heldUsdMicros' | 'openedMs' | 'openedWallMs'
>;

/** Payments and what was paid or is held for them. */
export interface PaymentSum {
  readonly payments: number;
  readonly usdMicros: UsdMicros;
}

/** What a policy would have done. */
export interface PolicyTest {
  /** All that was judged. */
  readonly judged: PaymentSum;
  /** In their order; without those that the owner was asked about then, too. */
  readonly stopped: readonly StoppedPayment[];
  readonly refused: PaymentSum;
  readonly asked: PaymentSum;
  /** Asked about by this policy, and approved when they were made. */
  readonly askedThenToo: PaymentSum;
}

/**
 * Judges the payments of a time in their order by a config, as if it had been in force: by what decides live. Nothing is
 * asked, moved or written. What was released is left out, for it moved nothing. Throws `bad_input` for more than
 * {@link PAYMENTS_MAX} payments, and as the ledger does.
 */
export async function testPolicy(
  ledger: TestedLedger,
  config: Config,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): Promise<PolicyTest> {
  const rows = await rowsOf(ledger.payments, fromMs - BEFORE_MS, untilMs);
  const answers = await answersOf(ledger.approvals, rows);
  const replay = new Replay((payment) => policyFor(config, payment, answers));
  const stopped: StoppedPayment[] = [];
  const sums = { judged: NONE, refused: NONE, asked: NONE, askedThenToo: NONE };
  for (const row of rows) {
    const payment = replayedOf(config, row, answers);
    if (payment === null) continue;
    const replayed = replay.judge(payment);
    if (row.openedMs < fromMs || payment.isImported) continue;
    sums.judged = plus(sums.judged, payment);
    const place = placeOf(replayed, payment);
    if (place !== null) sums[place] = plus(sums[place], payment);
    if (replayed.decision !== 'pay' && place !== 'askedThenToo')
      stopped.push({ payment: row, decision: replayed.decision, reasons: replayed.reasons });
  }
  return { ...sums, stopped };
}

const NONE: PaymentSum = { payments: 0, usdMicros: 0n };

function plus({ payments, usdMicros }: PaymentSum, { countedUsdMicros }: ReplayedPayment): PaymentSum {
  return { payments: payments + 1, usdMicros: usdMicros + countedUsdMicros };
}

function placeOf(
  { decision }: Replayed,
  { wasApproved }: ReplayedPayment,
): 'refused' | 'asked' | 'askedThenToo' | null {
  if (decision === 'pay') return null;
  if (decision === 'refuse') return 'refused';
  return wasApproved ? 'askedThenToo' : 'asked';
}

/** What of a row is kept while all are read. */
type Row = TestedPayment &
  Pick<
    Payment,
    | 'sessionId'
    | 'origin'
    | 'protocol'
    | 'scheme'
    | 'network'
    | 'asset'
    | 'payTo'
    | 'heldAtomic'
    | 'capturedUsdMicros'
    | 'state'
    | 'approvalId'
    | 'note'
    | 'labels'
  >;

/** The payments of a time, oldest first. */
async function rowsOf(
  ledger: TestedLedger['payments'],
  sinceMs: number,
  untilMs: number,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const page = await ledger.listAttempts({ kind: 'payment', sinceMs, untilMs }, ROWS_AT_ONCE, cursor);
    for (const attempt of page.attempts)
      if (attempt.kind === 'payment' && attempt.state !== 'released' && !isCommitment(attempt))
        rows.push(rowOf(attempt));
    if (rows.length > PAYMENTS_MAX)
      throw new WalletError(
        'bad_input',
        `There are more than ${PAYMENTS_MAX} payments in that time and the 30 days before it: name a shorter time.`,
      );
    cursor = page.nextCursor;
  } while (cursor !== null);
  return rows.reverse();
}

function rowOf(payment: Payment): Row {
  const { id, agent, method, url, host, heldUsdMicros, openedMs, openedWallMs, sessionId, origin } = payment;
  const { protocol, scheme, network, asset, payTo, heldAtomic, capturedUsdMicros, state } = payment;
  const { approvalId, note, labels } = payment;
  return {
    ...{ id, agent, method, url, host, heldUsdMicros, openedMs, openedWallMs, sessionId, origin },
    ...{ protocol, scheme, network, asset, payTo, heldAtomic, capturedUsdMicros, state },
    ...{ approvalId, note, labels },
  };
}

/** What the owner allowed when asked, for a session or for a payee: their answers stand, whatever the policy. */
interface Answers {
  readonly sessionUsdMicros: ReadonlyMap<string, UsdMicros>;
  readonly payees: ReadonlySet<string>;
  readonly models: Map<string, string>;
}

async function answersOf(approvals: TestedLedger['approvals'], rows: readonly Row[]): Promise<Answers> {
  const sessionUsdMicros = new Map<string, UsdMicros>();
  const payees = new Set<string>();
  if (approvals !== null) {
    for (const sessionId of new Set(rows.map((row) => row.sessionId))) {
      const grant = await approvals.grant(sessionGrantKey(sessionId));
      if (grant !== null) sessionUsdMicros.set(sessionId, BigInt(grant));
    }
    for (const key of new Set(rows.map(payeeKey))) if ((await approvals.grant(key)) !== null) payees.add(key);
  }
  return { sessionUsdMicros, payees, models: new Map() };
}

function payeeKey({ origin, network, payTo }: Row): string {
  return payeeGrantKey(origin, network, payTo);
}

/** A row as it is judged; null where its network or token is none that this Purser knows. */
function replayedOf(config: Config, row: Row, { payees, models }: Answers): ReplayedPayment | null {
  const offer = offerOf(config, row);
  if (offer === null) return null;
  const url = new URL(row.url);
  const model = row.labels[MODEL_LABEL];
  if (model !== undefined) models.set(row.id, model);
  return {
    ...{ id: row.id, agent: row.agent, sessionId: row.sessionId, method: row.method, url, offer },
    hostPort: hostPortOf(url),
    countedUsdMicros: isDrawn(row) ? 0n : (row.capturedUsdMicros ?? row.heldUsdMicros),
    openedMs: row.openedMs,
    isCaptured: row.state === 'captured',
    wasApproved: row.approvalId !== null,
    isPayeeAllowed: payees.has(payeeKey(row)),
    isImported: row.note === IMPORTED,
    isDeposit: isDeposit(row),
  };
}

function offerOf({ limits }: Config, row: Row): Offer | null {
  const network = findNetwork(row.network);
  const asset = network === undefined ? undefined : findAsset(network.caip2, row.asset);
  if (network === undefined || asset === undefined) return null;
  const { protocol, scheme, payTo, heldAtomic, heldUsdMicros } = row;
  return {
    ...{ protocol, scheme, index: 0, network, asset, payTo, facts: {} },
    ...{ amountAtomic: heldAtomic, usdMicros: heldUsdMicros },
    ...(isDrawn(row) ? { paidFrom: DRAWN } : {}),
    ...(isDeposit(row) ? { paidFrom: depositOf(heldAtomic, heldUsdMicros, limits.depositUsdMicros) } : {}),
  };
}

/** Which deposit paid it says nothing here: it adds nothing to what counts. */
const DRAWN: PaidFromDeposit = {
  ...{ kind: 'made', entitlementId: '', drawnAtomic: 0n, depositAtomic: 0n, expiresMs: 0, facts: '{}' },
};

function depositOf(
  depositAtomic: AtomicAmount,
  usdMicros: UsdMicros,
  usdMicrosMax: UsdMicros,
): PaidFromDeposit {
  return {
    ...{ kind: 'to_make', depositAtomic, expiresMs: 0 },
    ...(usdMicros > usdMicrosMax ? { askedAboveUsdMicros: usdMicrosMax } : {}),
  };
}

function policyFor(
  config: Config,
  { id, agent, sessionId, hostPort, openedMs }: ReplayedPayment,
  { sessionUsdMicros, models }: Answers,
): ReplayPolicy {
  const request = lineRequest(config, { agent, sessionId, hostPort }, openedMs);
  const model = models.get(id);
  const cap = model === undefined ? undefined : modelCap(config.limits.modelPerCallUsdMicros, model);
  const raised = sessionUsdMicros.get(sessionId) ?? 0n;
  const raise = (line: CapLine): CapLine =>
    isSessionCap(line) && raised > line.usdMicrosMax ? { ...line, usdMicrosMax: raised } : line;
  return {
    rules: rulesOf({ config, agent, maxUsdMicros: undefined, modelCap: cap }),
    capLines: capLines(config, request).map(raise),
    rateLines: rateLines(config.limits, request),
  };
}
