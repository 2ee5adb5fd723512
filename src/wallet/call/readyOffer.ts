import type { Offer, PaymentDemand } from '../../payment/challenge.js';
import type { Config } from '../../config/settings.js';
import type { Code } from '../../errors/codes.js';
import { isWalletError, type WalletError } from '../../errors/walletError.js';
import type { PaymentIntent } from '../../payment/intent.js';
import { chooseOffer } from './choose.js';
import type { Engine } from '../engine.js';
import type { Asking, Judged } from './judge.js';
import type { Outcome } from '../answer/outcome.js';

type Chosen = Awaited<ReturnType<typeof chooseOffer>>;

/** An offer for which no payment could be made ready, and why. Nothing was signed for it, so another may be taken. */
export interface PassedOver {
  readonly offer: Offer;
  readonly error: WalletError;
}

/** The offer to pay with the transfer that would pay it; or what the policy says instead, with none. */
export type Ready =
  | { readonly judged: Judged; readonly intent: PaymentIntent; readonly passed: readonly PassedOver[] }
  | { readonly judged: Chosen; readonly intent: null };

/** Faults of one offer or of its network: another offer has nothing to do with them. */
const PASSABLE: readonly Code[] = ['rpc_unavailable', 'malformed_offer'];

/**
 * Chooses as {@link chooseOffer} does, and makes ready what would pay the choice. An offer whose network cannot be read,
 * or which turns out to be unpayable, is passed over where another may be paid without asking anybody; where none may,
 * the first one's fault is thrown. Each round leaves one offer less, and they are few.
 */
export async function readyOffer(
  engine: Engine,
  config: Config,
  asking: Asking,
  required: PaymentDemand,
  isApproved: boolean,
): Promise<Ready> {
  const passed: PassedOver[] = [];
  for (;;) {
    const offers = required.offers.filter((offer) => !passed.some((other) => rulesOut(other, offer)));
    const judged = await chooseOffer(engine, config, asking, { ...required, offers }).catch(
      (error: unknown) => {
        throw passed[0]?.error ?? error;
      },
    );
    const { verdict } = judged.verdict;
    const mayPay = verdict === 'allow' || (verdict === 'ask' && isApproved);
    if (judged.offer === undefined || !mayPay) {
      if (passed[0] !== undefined) throw passed[0].error;
      return { judged, intent: null };
    }
    try {
      const intent = await engine.rails
        .ofOffer(judged.offer)
        .prepare(await engine.railPorts(config), judged.offer, asking.nowMs);
      return { judged, intent, passed };
    } catch (error) {
      // What the owner approved is one offer: no other takes its place.
      if (isApproved || !isWalletError(error) || !PASSABLE.includes(error.code)) throw error;
      passed.push({ offer: judged.offer, error });
    }
  }
}

/** A network that cannot be read rules out all offers on it; a bad offer only itself. */
function rulesOut({ offer, error }: PassedOver, other: Offer): boolean {
  return error.code === 'rpc_unavailable'
    ? other.network.caip2 === offer.network.caip2
    : other.index === offer.index;
}

/** The outcome of a payment, which says beside what offers it was made, and why. */
export function tellPassedOver(made: Outcome, passed: readonly PassedOver[]): Outcome {
  if (passed.length === 0) return made;
  const whys = passed.map(({ offer, error }) => `${offer.network.label}: ${error.shortMessage}`);
  return {
    ...made,
    message: `${made.message} An offer that came before was passed over. ${whys.join(' ')}`,
    passed_over: passed.map(({ offer, error }) => ({ network: offer.network.caip2, code: error.code })),
  };
}
