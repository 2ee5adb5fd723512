import type { Config } from '../../config/settings.js';
import type { MoneyState } from '../../errors/codes.js';
import { WalletError } from '../../errors/walletError.js';
import { toWalletError } from '../../ledger/fault.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SendResult } from '../../ledger/attempts/transition.js';
import { formatUsd } from '../../money/decimal.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { judgeTotals } from '../../policy/totals.js';
import { judgeNetwork, type Verdict } from '../../policy/verdict.js';
import { moneyOf, outcome, viewPayment, type Outcome } from '../answer/outcome.js';
import { barredError, budgetError, failureOutcome, frozenError, stopOutcome } from '../answer/refusal.js';
import { categoryOfCall } from '../discover/catalogAdvice.js';
import { isDeposit } from '../../protocols/protocol.js';
import { openWith } from '../entitlement/deposit.js';
import { noteLease, paymentAsKnown, takeOver } from '../leaseKeeper.js';
import type { Engine } from '../engine.js';
import { judgePlace, limitsOf, perCallMax } from '../call/ownerRules.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';

/** A config that changes between each look and the next is not one to pay under. */
const CONFIG_CHANGES_MAX = 3;

/**
 * Makes `sent` durable, under the config as it stands at that instant: bytes may leave then, under that config. Else the
 * outcome of a payment that is not sent; what was only held is let go.
 */
export async function commitToSend(
  call: PaidCall,
  signed: SignedRequest,
): Promise<{ readonly config: Config } | Outcome> {
  try {
    return await commit(call, signed);
  } catch (error) {
    throw await faultBeforeSending(call.engine, signed.payment, error);
  }
}

async function commit(call: PaidCall, signed: SignedRequest): Promise<{ readonly config: Config } | Outcome> {
  const { engine } = call;
  const { target } = signed;
  let { payment } = signed;
  for (let i = 0; i < CONFIG_CHANGES_MAX; i++) {
    const config = await engine.config();
    const barred = judgePlace(config, target.url);
    if (barred.verdict !== 'allow') return stopOutcome(barred, await withheld(engine, payment));
    const disabled = judgeNetworkOf(config, payment);
    if (disabled.verdict !== 'allow') return stopOutcome(disabled, await withheld(engine, payment));
    if (config.version !== payment.configVersion) {
      const usdMicrosMax = await perCallMax(call, config, payment);
      if (payment.heldUsdMicros > usdMicrosMax || (await passesDepositBound(call, config, payment)))
        return tightened(payment, await withheld(engine, payment));
    }
    const { agent, sessionId } = payment;
    const nowMs = engine.now();
    const { capLines } = await limitsOf(engine.ledger, config, { agent, sessionId, url: target.url, nowMs });
    const category = categoryOfCall(engine, config, target);
    const request = { configVersion: config.version, capLines, category, nowMs };
    let sent: SendResult;
    const askedMs = performance.now();
    if (payment.state === 'held') {
      const both = await engine.ledger.signAndSend(payment.id, signed.payload, request);
      // Suspended while it was signed: the signature is thrown away here, before anything knows of it.
      if (both.signed.kind === 'barred')
        return failureOutcome(barredError(payment.agent, both.signed.bar), await withheld(engine, payment));
      if (both.signed.kind === 'conflict')
        // A process that stood still past the end of its lease finds the hold taken, or released, by another one.
        throw new WalletError(
          'payment_expired',
          'The hold ran out before it was signed; nothing was sent. Make the call again.',
        );
      payment = both.signed.attempt;
      sent = both.sent;
    } else {
      // Signed by a process that died before it sent: where its holder lives after all, this is a conflict.
      await takeOver(engine, payment.id);
      sent = await engine.ledger.markSent(payment.id, request);
    }
    const shown = (): Shown => shownOf(payment);
    switch (sent.kind) {
      case 'done':
        await noteLease(engine, payment.id, askedMs);
        return { config };
      case 'frozen':
        return failureOutcome(frozenError(), shown());
      case 'barred':
        return failureOutcome(barredError(payment.agent, sent.bar), shown());
      case 'exceeded': {
        const { exceeded } = sent;
        const stop = judgeTotals({
          usdMicros: payment.heldUsdMicros,
          exceeded,
          loweredBy: config.lowered,
        });
        return stop.verdict === 'allow' ? tightened(payment, shown()) : stopOutcome(stop, shown());
      }
      case 'budget':
        return failureOutcome(budgetError(sent, payment.heldUsdMicros), shown());
      case 'conflict':
        throw new WalletError('payment_unresolved', 'Another process is busy with this payment.', {
          money: moneyOf(sent.attempt),
          retryAfterSec: 5,
        });
      case 'config_changed':
    }
  }
  const error = new WalletError('config_stale', 'The config keeps changing; nothing was sent now.');
  throw withMoney(error, moneyOf(payment));
}

/** Whether a deposit passes a bound that the owner lowered since its call began; one that they were asked about obeys that, too. */
async function passesDepositBound(
  { engine, config: known }: PaidCall,
  { limits }: Config,
  payment: Payment,
): Promise<boolean> {
  const { depositUsdMicros } = limits;
  if (!isDeposit(payment) || depositUsdMicros >= known.limits.depositUsdMicros) return false;
  return (await openWith(engine.ledger, engine.agent, payment.origin)) > depositUsdMicros;
}

/** Whether the owner still lets money move on a payment's network. */
function judgeNetworkOf({ networks, testnet }: Config, { network, heldUsdMicros }: Payment): Verdict {
  const row = findNetwork(network as Caip2);
  if (row === undefined) throw new WalletError('internal', 'A payment is on a network that is no row.');
  return judgeNetwork(
    { network: row, usdMicros: heldUsdMicros },
    { networksEnabled: networks.enabled, testnet },
  );
}

type Shown = Pick<Outcome, 'payment' | 'money'>;

/** A payment as it stands: what was sent once may settle, whatever keeps it from being sent again. */
function shownOf(payment: Payment): Shown {
  return { payment: viewPayment(payment), money: moneyOf(payment) };
}

/** What is shown of a payment that is not sent. What was never recorded as signed is let go: nothing else knows of it. */
async function withheld(engine: Engine, payment: Payment): Promise<Shown> {
  if (payment.state !== 'held') return shownOf(payment);
  return shownOf((await engine.ledger.release(payment.id, 'never_signed', engine.now())).attempt);
}

function tightened(payment: Payment, shown: Shown): Outcome {
  return outcome({
    status: 'refused',
    code: 'above_cap',
    message: `The owner lowered a limit below $${formatUsd(payment.heldUsdMicros)} meanwhile; nothing was sent now; do not retry.`,
    ...shown,
  });
}

/** A fault before anything left: what was only held goes with the call, and what may be signed stays held. */
async function faultBeforeSending(engine: Engine, payment: Payment, error: unknown): Promise<WalletError> {
  const known = toWalletError(error);
  if (known.money !== 'none') return known;
  const { money } = await withheld(engine, payment).catch(() => ({ money: moneyOf(payment) }));
  return money === 'none' ? known : withMoney(known, money);
}

function withMoney(error: WalletError, money: MoneyState): WalletError {
  const { owner, retry, retryAfterSec, cause } = error;
  return new WalletError(error.code, error.shortMessage, {
    ...{ money, retry, cause },
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
    ...(owner === undefined ? {} : { owner }),
  });
}

/** A fault of ours once bytes may have left: told with what the ledger knows of the money by then. */
export async function faultAfterSending(
  engine: Engine,
  payment: Payment,
  error: unknown,
): Promise<WalletError> {
  const { id, heldUsdMicros } = payment;
  const known = toWalletError(error);
  const { owner } = known;
  const isCaptured = (await paymentAsKnown(engine, payment))?.state === 'captured';
  const price = `$${formatUsd(heldUsdMicros)}`;
  const told = isCaptured
    ? `Payment ${id} of ${price} was made before that: the money is spent, do not pay again for the same.`
    : `Payment ${id} of ${price} had been sent before that and may still settle: do not buy the same elsewhere.`;
  return new WalletError(known.code, `${known.shortMessage} ${told} wallet_ledger tells what became of it.`, {
    cause: error,
    money: isCaptured ? 'captured' : 'unknown',
    retry: isCaptured ? 'never' : 'after_delay',
    ...(owner === undefined ? {} : { owner }),
  });
}
