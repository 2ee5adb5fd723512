import type { Config } from '../../config/settings.js';
import { isWalletError } from '../../errors/walletError.js';
import type { Session } from '../../ledger/books/session.js';
import type { Offer } from '../../payment/challenge.js';
import type { CallCap } from '../../policy/model.js';
import type { Selection } from '../../policy/selectOffer.js';
import type { Stop } from '../../policy/verdict.js';
import { highestListed } from '../discover/catalogAdvice.js';
import { withCommitments } from '../commitment/offered.js';
import { withDeposits } from '../entitlement/depositOffer.js';
import type { Engine } from '../engine.js';
import type { Challenge } from './probe.js';
import { looksOf, selectFrom, stopOf } from './selection.js';

type QuotedChallenge = Challenge & { readonly modelCap: CallCap | undefined };

/**
 * Selects as a payment would, which passes over offers that want something of the owner first. Where there is no other, the
 * price of the first is told with what the owner has to do for it.
 */
export async function selectForQuote(
  engine: Engine,
  config: Config,
  session: Pick<Session, 'id'>,
  challenge: QuotedChallenge,
): Promise<Selection> {
  const nowMs = engine.now();
  const { target } = challenge;
  const ask = { target, maxUsdMicros: undefined, budgetId: null, sessionId: session.id, nowMs };
  const place = { origin: target.url.origin, budgetId: null };
  const offered = await withCommitments(engine, config, challenge.required, place);
  let left = await withDeposits(engine, config, offered, ask);
  let first: Selection | null = null;
  for (;;) {
    const selection = await selectAmong(engine, config, session, { ...challenge, required: left });
    if (selection.decision === 'refuse') return first ?? selection;
    const { offer } = selection;
    const missing = await missingFor(engine, config, offer);
    if (missing === null) return selection;
    first ??= { decision: 'refuse', offer, reason: missing };
    left = { ...left, offers: left.offers.filter(({ index }) => index !== offer.index) };
  }
}

/** What the owner has to do before an offer can be paid; null for nothing, and where the chain does not tell. */
async function missingFor(engine: Engine, config: Config, offer: Offer): Promise<Stop | null> {
  const rail = engine.rails.ofOffer(offer);
  if (rail.assertAllowed === undefined) return null;
  try {
    await rail.assertAllowed(await engine.railPorts(config), offer);
    return null;
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return error.code === 'allowance_required' ? stopOf(error) : null;
  }
}

/** A quote costs nothing: where no network can pay, the price is still told. */
async function selectAmong(
  engine: Engine,
  config: Config,
  session: Pick<Session, 'id'>,
  { target, required, modelCap }: QuotedChallenge,
): Promise<Selection> {
  const nowMs = engine.now();
  const request = {
    ...{ ledger: engine.ledger, rails: engine.rails, config, agent: engine.agent, sessionId: session.id },
    ...{ maxUsdMicros: undefined, target, demand: required },
    modelCap,
    listedUsdMicros: () => highestListed(engine, target),
    ...{ isApproved: false, looksAtTotals: true, nowMs },
  };
  const { canPayOn, funds } = looksOf(engine, config, nowMs);
  const payable = required.offers.filter(
    ({ network }) => config.networks.enabled.includes(network.caip2) && canPayOn(network),
  );
  // Without a choice nobody waits for a balance.
  const places = new Set(payable.map(({ network, asset }) => `${network.caip2} ${asset.address}`));
  if (places.size > 1) {
    const { selection } = await selectFrom(request, { canPayOn, funds });
    if (selection.decision !== 'refuse' || selection.reason.code !== 'insufficient_funds') return selection;
  }
  return (await selectFrom(request, { canPayOn })).selection;
}
