import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config/settings.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import { WalletError } from '../errors/walletError.js';
import { isLive } from '../ledger/attempts/attempt.js';
import type { Withdrawal } from '../ledger/attempts/withdrawal.js';
import { toWalletError } from '../ledger/fault.js';
import { barredError, frozenError } from '../wallet/answer/refusal.js';
import { moneyOf } from '../wallet/answer/outcome.js';
import { assertClock } from '../wallet/clock/clockCheck.js';
import { underLease, stillLeased, noteLease, takeOver } from '../wallet/leaseKeeper.js';
import type { Engine } from '../wallet/engine.js';
import { settleAttempt } from '../wallet/settle/settlement.js';
import { withMarks } from '../wallet/settle/witness.js';
import type { Drafted, Submission, WithdrawalMethod, WithdrawalRail } from '../rails/withdrawal.js';

/** What became of a withdrawal. */
export interface Withdrawn {
  readonly withdrawal: Withdrawal;
  /** True where an earlier command signed it. */
  readonly earlier: boolean;
  /** Who carried it, null where the chain alone tells. */
  readonly via: WithdrawalMethod['kind'] | null;
  /** What those said who did not. */
  readonly messages: readonly string[];
}

/** How long a transfer that somebody took is waited for: some blocks of any network here. */
const SHOWS_MS_MAX = 60_000;
/** A facilitator that gave no answer may have sent it all the same: it shows soon, or another way is tried. */
const SILENCE_MS_MAX = 10_000;
const LOOK_EVERY_MS = 1_000;
/** A config that changes between each look and the next is not one to send under. */
const ATTEMPTS_MAX = 3;

/** What is needed to carry out a withdrawal that has its row. */
export interface Carried {
  readonly rail: WithdrawalRail;
  readonly drafted: Drafted;
  readonly held: Withdrawal;
  readonly methods: readonly WithdrawalMethod[];
  /** Looked at with the config that it would be sent under; throws where it is not to be sent any more. */
  readonly check?: (config: Config) => void;
}

/** Signs a withdrawal that was reserved just now, and has it carried by the first way that takes it. */
export function carryOut(
  engine: Engine,
  config: Config,
  { rail, drafted, held, methods, check }: Carried,
  signal: AbortSignal,
): Promise<Withdrawn> {
  return goOn(engine, held, async () => {
    const signed = await signRow(engine, config, drafted, held);
    return submitSigned(engine, { rail, signed, methods, ...(check === undefined ? {} : { check }) }, signal);
  });
}

/** Goes on with a withdrawal that has its row: a fault on the way is told with what is left of it, and how it is ended. */
export function goOn(engine: Engine, row: Withdrawal, work: () => Promise<Withdrawn>): Promise<Withdrawn> {
  return underLease(engine, row.id, work).catch(async (error: unknown) => {
    throw await interrupted(engine, row, error);
  });
}

async function interrupted(engine: Engine, row: Withdrawal, error: unknown): Promise<WalletError> {
  const known = toWalletError(error);
  const withdrawal = await engine.ledger.withdrawals.find(row.id).catch(() => null);
  if (withdrawal?.state === 'released' || known.code === 'payment_unresolved') return known;
  const { owner } = known;
  const told = withdrawal === null ? 'may have been sent' : `is ${withdrawal.state}`;
  return new WalletError(
    known.code,
    `${known.shortMessage} The withdrawal ${row.id} to ${row.payTo} had been opened before that and ${told}: its amount is reserved until its end is known.`,
    {
      cause: error,
      money: withdrawal === null ? 'unknown' : moneyOf(withdrawal),
      owner: {
        say: `${owner === undefined ? '' : `${owner.say} Then `}end the withdrawal ${row.id}, which frees what never left.`,
        action: { kind: 'reconcile' },
      },
    },
  );
}

/** Signs for a held row; where that fails, or cannot be written down, nothing knows of a signature and the hold goes. */
async function signRow(
  engine: Engine,
  config: Config,
  drafted: Drafted,
  held: Withdrawal,
): Promise<Withdrawal> {
  let signed;
  try {
    await assertClock(engine, config);
    const payload = withMarks(engine, config, held, await drafted.sign(held));
    signed = await engine.ledger.withdrawals.recordSigned(held.id, payload, engine.now());
  } catch (error) {
    // Where even that cannot be written, the hold stays for `reconcile`, and the first fault is told.
    await engine.ledger.withdrawals.release(held.id, 'never_signed', engine.now()).catch(() => undefined);
    throw error;
  }
  if (signed.kind === 'done') return signed.attempt;
  throw new WalletError(
    'payment_expired',
    'The withdrawal ran out before it was signed, and was released; nothing was sent. Make it again.',
  );
}

/** The error of a withdrawal that stands in the way of another, or was lost sight of. */
export function unresolved(
  withdrawal: Withdrawal,
  says: string,
  retryAtMs: number | null,
  owner: OwnerStep | null = null,
): WalletError {
  const when = retryAtMs === null ? '' : ` Its end can be proved after ${new Date(retryAtMs).toISOString()}.`;
  return new WalletError(
    'payment_unresolved',
    `A withdrawal to ${withdrawal.payTo} is still open (${withdrawal.id}); no second one is signed beside it. ${says}${when}`,
    {
      money: 'unknown',
      owner: owner ?? { say: 'Ask the chain about it again later.', action: { kind: 'reconcile' } },
    },
  );
}

/** Hands a signed row over, one way after the other, until the chain shows it or nobody is left. */
export async function submitSigned(
  engine: Engine,
  {
    rail,
    signed,
    methods,
    check,
  }: Pick<Carried, 'rail' | 'methods' | 'check'> & { readonly signed: Withdrawal },
  signal: AbortSignal,
): Promise<Withdrawn> {
  let row = signed;
  const messages: string[] = [];
  for (const method of methods) {
    if (signal.aborted) break;
    const config = await commitToSend(engine, row, check);
    const ports = await engine.railPorts(config);
    if (!stillLeased(row.id)) throw unresolved(row, 'This command stood still for too long.', null);
    const submission = await rail.submit(ports, row, method, signal);
    // Whoever took it makes a claim: its coins stay reserved until the chain shows where they are.
    const receipt =
      submission.kind === 'taken' ? JSON.stringify({ way: method.kind, tx: submission.tx }) : undefined;
    row = (await engine.ledger.withdrawals.markUnknown(row.id, submission.kind, engine.now(), receipt))
      .attempt;
    messages.push(submission.message);
    row = await untilShown(engine, row, waitFor(submission), signal);
    if (!isLive(row.state)) return { withdrawal: row, earlier: false, via: method.kind, messages };
    // It is on its way: another transaction for it would only burn gas.
    if (submission.kind === 'taken') break;
  }
  return { withdrawal: row, earlier: false, via: null, messages };
}

/** Makes `sent` durable: bytes may leave now. A crash after it: unknown, for the chain to judge. */
async function commitToSend(engine: Engine, row: Withdrawal, check: Carried['check']): Promise<Config> {
  for (let i = 0; i < ATTEMPTS_MAX; i++) {
    const config = await engine.config();
    check?.(config);
    const nowMs = engine.now();
    if (!(await takeOver(engine, row.id))) throw unresolved(row, 'Another process is busy with it.', null);
    const askedMs = performance.now();
    const sent = await engine.ledger.withdrawals.markSent(row.id, {
      configVersion: config.version,
      capLines: [],
      nowMs,
    });
    if (sent.kind === 'done') {
      await noteLease(engine, row.id, askedMs);
      return config;
    }
    if (sent.kind === 'frozen') throw frozenError();
    if (sent.kind === 'barred') throw barredError(row.refills ?? row.agent, sent.bar);
    if (sent.kind === 'conflict') throw unresolved(sent.attempt, 'Another process is busy with it.', null);
  }
  throw new WalletError('config_stale', 'The config keeps changing; nothing was sent.', { money: 'held' });
}

function waitFor({ kind }: Submission): number {
  if (kind === 'refused') return 0;
  return kind === 'silent' ? SILENCE_MS_MAX : SHOWS_MS_MAX;
}

/** Asks the chain until it shows the transfer, nobody waits any more, or the time is up. */
async function untilShown(
  engine: Engine,
  row: Withdrawal,
  waitMs: number,
  signal: AbortSignal,
): Promise<Withdrawal> {
  const endMs = performance.now() + waitMs;
  let { attempt: withdrawal } = await settleAttempt(engine, row, signal);
  while (isLive(withdrawal.state) && performance.now() < endMs && !signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    ({ attempt: withdrawal } = await settleAttempt(engine, withdrawal, signal));
  }
  return withdrawal;
}
