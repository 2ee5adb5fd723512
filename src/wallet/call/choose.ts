import type { Offer, PaymentDemand } from '../../payment/challenge.js';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { formatUnits } from '../../money/decimal.js';
import { canPayOn } from '../agentAddress.js';
import type { Engine } from '../engine.js';
import { readPurse } from '../settle/addressFunds.js';
import { judgeChallenge, type Asking, type Judged } from './judge.js';
import type { AtomicAmount } from '../../money/unit.js';

/** How long a call that seems short of money waits for the chain to say whether it is. */
const LOOK_MS_MAX = 5_000;

type Refused = Exclude<ReturnType<typeof judgeChallenge>, Judged>;

/** An offer that the money on its network does not pay in full. */
export interface Short {
  readonly offer: Offer;
  readonly spendableAtomic: AtomicAmount;
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
    const judged = await judgeChallenge(engine.ledger, config, asking, { ...payable, offers });
    const isDone = judged.offer === undefined || judged.verdict.verdict === 'refuse';
    if (isDone && short.length > 0) throw insufficient(engine.agent, short);
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
  if (solvency.kind !== 'short') return null;
  const short = { offer, spendableAtomic: solvency.spendableAtomic, address };
  if ((await engine.ledger.openPaymentsFrom(network.caip2, asset.address, address, 1)).length === 0)
    return short;
  // Before a call is refused for it, it is looked whether what counts as held has left already.
  const { onChainAtomic, heldAtomic } = await readPurse(
    engine,
    config,
    { network, asset, address },
    LOOK_MS_MAX,
  );
  if (onChainAtomic === null) return short;
  const spendableAtomic = onChainAtomic > heldAtomic ? onChainAtomic - heldAtomic : 0n;
  return spendableAtomic >= amountAtomic ? null : { offer, spendableAtomic, address };
}

/** The error of a call that no network of `short` can pay; it names what each needs, and where to send it. */
export function insufficient(agent: string, short: readonly Short[]): WalletError {
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
        say: `${agent === DEFAULT_AGENT ? 'The wallet' : `The agent ${agent}`} is short of money: send ${send}. No other coin is needed.`,
        // An agent has its own addresses: without its name the command would show the first one's.
        action: agent === DEFAULT_AGENT ? { kind: 'fund' } : { kind: 'fund', agent },
      },
    },
  );
}
