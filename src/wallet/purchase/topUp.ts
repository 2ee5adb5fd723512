import type { RaiseResult } from '../../ledger/attempts/depositRaise.js';
import { WalletError } from '../../errors/walletError.js';
import { toUsdMicros } from '../../money/asset.js';
import { NetFailure } from '../../net/failure.js';
import { parseCallUrl } from '../../net/destination/url.js';
import type { Offer } from '../../payment/challenge.js';
import { TEMPO_WINDOW_MAX_SEC } from '../../payment/intent.js';
import type { Outcome } from '../answer/outcome.js';
import { assertClock } from '../clock/clockCheck.js';
import type { CallLimits } from '../call/ownerRules.js';
import type { PaidCall } from '../call/paidCall.js';
import type { Challenge } from '../call/probe.js';
import { keptOf, openWith, raisedFacts, signedOf } from '../entitlement/deposit.js';
import { noteToppedUp } from '../settle/depositEnd.js';
import { lookAtDeposit } from '../settle/topUp.js';
import { barredOutcome } from './hold.js';

/** A seller brings it to the chain before it answers. */
const SELLER_MS_MAX = 30_000;
/** The answer is of no interest: its status says whether it was taken. */
const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * Adds to a deposit that has too little left for a call: held first, under every limit, then signed, then given to the seller, who
 * brings it to the chain. The outcome where the owner stopped it; null where the call is to be looked at again, by what is there then.
 * A crash in between leaves a deposit that counts for more than it holds, until the chain shows what it holds.
 */
export async function topUp(
  call: PaidCall,
  { target }: Challenge,
  { offer, limits }: { readonly offer: Offer; readonly limits: CallLimits },
): Promise<Outcome | Extract<RaiseResult, { kind: 'config_changed' | 'exceeded' }> | null> {
  const { engine, context } = call;
  const { paidFrom, asset } = offer;
  if (paidFrom?.kind !== 'made' || paidFrom.topUpAtomic === undefined || asset.family === 'lightning')
    throw new WalletError('internal', 'A deposit is to be added to that needs nothing.');
  const { topUpAtomic: addedAtomic, entitlementId } = paidFrom;
  const deposit = await engine.ledger.entitlements.find(entitlementId);
  const made = await engine.ledger.findPayment(deposit?.paymentId ?? '');
  const rail = made === null ? undefined : engine.rails.ofPayment(made)?.deposits;
  if (deposit === null || made === null || rail?.topUp === undefined || keptOf(deposit).top_up !== undefined)
    return null;
  // No payment's last look follows: it leaves under the config as it stands by now, or not at all.
  const config = await engine.config();
  if (config.version !== call.config.version)
    return { kind: 'config_changed', configVersion: config.version };
  const nowMs = engine.now();
  const raised = await engine.ledger.raiseDeposit({
    ...{ deposit, addedAtomic, addedUsdMicros: toUsdMicros(asset, addedAtomic), nowMs },
    facts: raisedFacts(deposit, addedAtomic, Math.ceil(nowMs / 1000) + TEMPO_WINDOW_MAX_SEC),
    ...{ configVersion: config.version, capLines: limits.capLines },
    budgetId: context.forwarded?.budgetId ?? null,
    funds: engine.funds.known(asset, made.payFrom),
  });
  if (raised.kind === 'changed') return null;
  if (raised.kind === 'config_changed' || raised.kind === 'exceeded') return raised;
  if (raised.kind !== 'raised') return barredOutcome(call, raised, offer);
  // A deposit that is made beside it at this moment may not have been seen before: what passes the owner's bound is not signed.
  const openUsdMicros = await openWith(engine.ledger, engine.agent, target.url.origin);
  if (openUsdMicros > config.limits.depositUsdMicros) return null;
  await assertClock(engine, config);
  const signed = await signedOf(engine, deposit);
  const payload = await rail.topUp(await engine.railPorts(config), { offer, deposit: signed, addedAtomic });
  const isTaken = await give(call, target.url, [payload.name.toLowerCase(), payload.value]);
  if (isTaken) await noteToppedUp(engine, deposit.id, 'by its seller');
  else await lookAtDeposit(engine, deposit, call.deadline.signal);
  return null;
}

/** Whether the seller says that it took it. A lost answer is none: the chain is asked then. */
async function give(
  { engine, config, deadline }: PaidCall,
  { href }: URL,
  header: readonly [string, string],
): Promise<boolean> {
  const url = parseCallUrl(href, { allowPrivate: config.net.allowPrivate });
  const ms = Math.max(1, Math.min(SELLER_MS_MAX, deadline.sellerMs()));
  try {
    const answer = await engine.net(config).send(
      { method: 'POST', url, headers: [], signed: { origin: url.origin, headers: [header] } },
      {
        deadline: { connectMs: ms, firstByteMs: ms, wholeMs: ms },
        // Once it left, its end is of interest whatever becomes of the call.
        ...{ signal: engine.closing, redirects: 'return', bodyBytesMax: ANSWER_BYTES_MAX },
      },
    );
    answer.discard();
    return answer.status >= 200 && answer.status < 300;
  } catch (error) {
    if (error instanceof NetFailure) return false;
    throw error;
  }
}
