import type { Offer, PaymentDemand } from '../payment/challenge.js';
import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import { formatUnits } from '../money/decimal.js';
import { canPayOn } from './agentAddress.js';
import type { Engine } from './engine.js';
import { judgeChallenge, type Asking, type Judged } from './judge.js';

type Refused = Exclude<ReturnType<typeof judgeChallenge>, Judged>;

/** An offer that the money on its network does not pay in full. */
export interface Short {
  readonly offer: Offer;
  readonly spendableAtomic: bigint;
  readonly address: string;
}

/**
 * Chooses as {@link judgeChallenge} does, passing over what the money on a network does not pay in full beside what is
 * held there. A network is asked for its balance only once it is the next choice; one that does not answer in time
 * counts as able to pay, and the seller will judge.
 *
 * Throws `insufficient_funds` where no network can pay: it says what each one needs, and where to send it.
 */
export async function chooseOffer(
  engine: Engine,
  config: Config,
  asking: Asking,
  required: PaymentDemand,
): Promise<Judged | Refused> {
  const payable = payableOffers(engine, required);
  const short: Short[] = [];
  for (;;) {
    const offers = payable.offers.filter((offer) => !short.some((other) => isSamePurse(other.offer, offer)));
    const judged = judgeChallenge(engine.ledger, config, asking, { ...payable, offers });
    const isDone = judged.offer === undefined || judged.verdict.verdict === 'refuse';
    if (isDone && short.length > 0) throw insufficient(short);
    if (judged.offer === undefined || isDone) return judged;
    const lacking = await shortOf(engine, config, judged.offer);
    if (lacking === null) return judged;
    short.push(lacking);
  }
}

/** Chooses for a quote, which costs nothing: where no network can pay, the price is still told. */
export async function chooseForQuote(
  engine: Engine,
  config: Config,
  asking: Asking,
  required: PaymentDemand,
): Promise<Judged | Refused> {
  const payable = payableOffers(engine, required);
  const enabled = payable.offers.filter(({ network }) => config.networks.enabled.includes(network.caip2));
  const [first, ...others] = enabled;
  const hasChoice = first !== undefined && others.some((other) => !isSamePurse(first, other));
  if (!hasChoice) return judgeChallenge(engine.ledger, config, asking, payable);
  return chooseOffer(engine, config, asking, payable).catch((error: unknown) => {
    if (error instanceof WalletError && error.code === 'insufficient_funds')
      return judgeChallenge(engine.ledger, config, asking, payable);
    throw error;
  });
}

function payableOffers(engine: Engine, required: PaymentDemand): PaymentDemand {
  const [payable, foreign] = [true, false].map((wanted) =>
    required.offers.filter(({ network }) => canPayOn(engine.keys, network) === wanted),
  );
  const rejected = (foreign ?? []).map(({ index, network }) => ({
    index,
    code: 'unsupported_network' as const,
    reason: `The offer is on ${network.label}, where this wallet, made of an imported EVM key, has no address.`,
  }));
  return { ...required, offers: payable ?? [], rejected: [...required.rejected, ...rejected] };
}

function isSamePurse(one: Offer, other: Offer): boolean {
  return (
    one.asset.address === other.asset.address &&
    one.network.caip2 === other.network.caip2 &&
    other.amountAtomic >= one.amountAtomic
  );
}

async function shortOf(engine: Engine, config: Config, offer: Offer): Promise<Short | null> {
  const { network, asset, amountAtomic } = offer;
  const address = await engine.addressOn(network);
  const chain = engine.chain(config, network);
  const solvency = await engine.funds.solvency(chain, asset, address, amountAtomic, engine.now());
  return solvency.kind === 'short' ? { offer, spendableAtomic: solvency.spendableAtomic, address } : null;
}

/** The error of a call that no network of `short` can pay; it names what each needs, and where to send it. */
export function insufficient(short: readonly Short[]): WalletError {
  const [first] = short;
  const needs = short
    .map(({ offer }) => `${formatUnits(offer.amountAtomic, offer.asset.decimals)} ${offer.asset.symbol}`)
    .filter((need, i, all) => all.indexOf(need) === i)
    .join(' or ');
  const has = short
    .map(
      ({ offer, spendableAtomic }) =>
        `${formatUnits(spendableAtomic, offer.asset.decimals)} to spend on ${offer.network.label}`,
    )
    .join(' and ');
  const send = short
    .map(
      ({ offer: { asset, network }, address }) =>
        `${asset.symbol} on ${network.label} (${network.caip2}) to ${address}`,
    )
    .join(', or ');
  return new WalletError(
    'insufficient_funds',
    `The call costs ${first === undefined ? 'more' : needs} and the wallet has ${has}; nothing was signed.`,
    {
      owner: {
        say: `The wallet is short of money: send ${send}. No other coin is needed.`,
        command: 'fund --wait',
      },
    },
  );
}
