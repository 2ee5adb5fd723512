import { askV1, askV2, CENT, offerOf, offerOfV1, seller, sellerOf } from '../offer.ts';
import { NOTHING, ONE_CENT, once, type Allowed, type Attack, type Stall } from '../role.ts';

/** Far above any ceiling. */
const FORTUNE = 400_000_000n;
const MAINNET_USDC = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';
const SOLANA = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';
const SOLANA_USDC = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';

type Over = Readonly<Record<string, unknown>>;

/** A seller whose one offer is that of a cent but for what stands in `over`. */
function odd(threat: Attack['threat'], name: string, over: Over, allows: Allowed = NOTHING): Attack {
  return { threat, name, allows, open: (stall) => sellerOf(stall, offerOf(stall, over)) };
}

/** The same by x402 v1. */
function oddV1(threat: Attack['threat'], name: string, over: Over, allows: Allowed = NOTHING): Attack {
  return {
    threat,
    name,
    allows,
    open: (stall) =>
      seller(stall, (seen, response) => askV1(stall, seen, response, [offerOfV1(stall, over)])),
  };
}

function trapsAround(stall: Stall): unknown[] {
  const usual = offerOf(stall);
  return [
    offerOf(stall, { amount: '450000' }),
    offerOf(stall, { amount: '-1' }),
    offerOf(stall, {
      asset: MAINNET_USDC,
      network: 'eip155:8453',
      extra: { name: 'USD Coin', version: '2' },
    }),
    null,
    'pay me',
    offerOf(stall, { scheme: 'upto', amount: '5' }),
    offerOf(stall, { amount: { toString: '10' } }),
    usual,
    offerOf(stall, { payTo: 'me' }),
    offerOf(stall, { amount: '490000', extra: { name: 'USDC', version: '2', discount: '98%' } }),
  ];
}

const FLOOD = 200_000;
const DEPTH = 20_000;

const floods: Attack[] = [
  {
    threat: 'T1',
    name: 'the first offer is the trap, the cheap one comes last',
    allows: ONE_CENT,
    open: (stall) => sellerOf(stall, offerOf(stall, { amount: '499999' }), offerOf(stall)),
  },
  {
    threat: 'T1',
    name: 'a payable offer among traps, bad ones and dearer ones',
    allows: ONE_CENT,
    open: (stall) => sellerOf(stall, ...trapsAround(stall)),
  },
  {
    threat: 'T1',
    name: '200,000 offers, the dearest first',
    allows: NOTHING,
    open(stall) {
      const offers = Array.from({ length: FLOOD }, (_, i) =>
        i < 64 ? offerOfV1(stall, { maxAmountRequired: String(FORTUNE) }) : 0,
      );
      const text = JSON.stringify({ x402Version: 1, accepts: offers });
      return seller(stall, (seen, response) => {
        stall.asks(seen.host, stall.payTo);
        response.writeHead(402, { 'content-type': 'application/json' }).end(text);
      });
    },
  },
  {
    threat: 'T1',
    name: 'an offer nested 20,000 deep',
    allows: NOTHING,
    open(stall) {
      const text = `{"x402Version":1,"accepts":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`;
      return seller(stall, (_seen, response) => void response.writeHead(402).end(text));
    },
  },
  {
    threat: 'T1',
    name: 'offers inherited through __proto__',
    allows: NOTHING,
    open(stall) {
      const offer = JSON.stringify(offerOf(stall));
      const text = `{"x402Version":2,"__proto__":{"accepts":[${offer}]},"accepts":[{"__proto__":${offer}}]}`;
      return seller(stall, (_seen, response) => void response.writeHead(402).end(text));
    },
  },
  {
    threat: 'T1',
    name: 'a cheap offer in the header, a dear one in the body',
    allows: ONE_CENT,
    open: (stall) =>
      seller(stall, (seen, response) => {
        response.write = () => true;
        const { end } = response;
        const dear = JSON.stringify({
          x402Version: 1,
          accepts: [offerOfV1(stall, { maxAmountRequired: '490000' })],
        });
        response.end = () => end.call(response, dear, 'utf8', () => undefined);
        askV2(stall, seen, response, { accepts: [offerOf(stall)] });
      }),
  },
];

const assets: Attack[] = [
  odd('T3', 'a token of the same name at another address', {
    asset: '0x00000000000000000000000000000000000bad01',
  }),
  odd('T3', 'a dear amount that 18 decimals make look small', {
    amount: '10000000000000000',
    extra: { name: 'USDC', version: '2', decimals: 18 },
  }),
  odd('T3', '$6, which twelve false decimals make look like nothing', {
    amount: '6000000',
    decimals: 12,
    extra: { name: 'USDC', version: '2', decimals: 12 },
  }),
  odd('T3', 'the real token of another network', { asset: MAINNET_USDC }),
  odd('T3', 'an asset named by its ticker', { asset: 'USDC-by-adversary' }),
];

const amounts: Attack[] = [
  ...['-1', '0x10', '1e4', '1.5', '0', ' 10000', '+10000', '1_000', '１００００'].map((amount) =>
    odd('T4', `the amount ${JSON.stringify(amount)}`, { amount }),
  ),
  odd('T4', 'an amount in an array', { amount: ['10000'] }),
  odd('T4', 'an amount above 2^256', { amount: String(2n ** 256n) }),
  odd('T4', 'an amount that is no whole number', { amount: 10_000.5 }),
  oddV1('T4', 'two amounts that differ, one in each field', { amount: '10000', maxAmountRequired: '490000' }),
];

const networks: Attack[] = [
  odd('T5', 'real money asked of a wallet of test money', {
    network: 'eip155:8453',
    asset: MAINNET_USDC,
    extra: { name: 'USD Coin', version: '2' },
  }),
  oddV1('T5', 'a downgrade to v1 on the main network', {
    network: 'base',
    asset: MAINNET_USDC,
    extra: { name: 'USD Coin', version: '2' },
  }),
  odd('T5', 'a network by its ticker', { network: 'usdc' }),
  odd('T5', 'a chain id in hexadecimal', { network: 'eip155:0x14a34' }),
  odd('T5', 'a network that the owner has not enabled', { network: 'eip155:137' }),
  odd('T5', 'Solana, with a payee of Base', { network: SOLANA, asset: SOLANA_USDC }),
];

const domains: Attack[] = [
  odd('T6', 'a domain by another name', { extra: { name: 'Tether USD', version: '9' } }, ONE_CENT),
  odd(
    'T6',
    'a domain of another contract and chain',
    {
      extra: {
        name: 'USDC',
        version: '2',
        chainId: 1,
        verifyingContract: '0x00000000000000000000000000000000000bad02',
        domain: { name: 'USD Coin', version: '2', chainId: 8453, verifyingContract: MAINNET_USDC },
      },
    },
    ONE_CENT,
  ),
  odd('T6', 'a domain without a name', { extra: {} }, ONE_CENT),
];

const windows: Attack[] = [
  ...(['60', 1e18, 60.5, -60, 0, [60], 4e9] as const).map((maxTimeoutSeconds) =>
    odd('T8', `a window of ${JSON.stringify(maxTimeoutSeconds)}`, { maxTimeoutSeconds }, ONE_CENT),
  ),
  odd('T8', 'a window of a day, which is cut to ten minutes', { maxTimeoutSeconds: 86_400 }, ONE_CENT),
  odd(
    'T8',
    'times of its own for the authorization',
    {
      validAfter: '4000000000',
      validBefore: '99999999999',
      extra: { name: 'USDC', version: '2', validBefore: '99999999999', nonce: `0x${'11'.repeat(32)}` },
    },
    ONE_CENT,
  ),
];

/** What an offer can say that is not so (T1, T3 to T6, T8). */
export const OFFER_ATTACKS: readonly Attack[] = [
  ...floods,
  ...assets,
  ...amounts,
  ...networks,
  ...domains,
  ...windows,
  {
    threat: 'T3',
    name: 'an offer of a cent whose amount is for another asset',
    allows: once(CENT),
    open: (stall) => sellerOf(stall, offerOf(stall, { price: '$0.01', amount: '10000', symbol: 'WETH' })),
  },
];
