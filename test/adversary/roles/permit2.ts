import { devAccount } from '../../../sandbox/chain.ts';
import { askV2, CENT, GOODS, offerOf, receiptHeaders, receiptOf, sell, sendJson } from '../offer.ts';
import { NOTHING, ONE_CENT, type Attack, type Control, type Serve, type Stall } from '../role.ts';

/** Who settles here: any account that pays gas. */
const FACILITATOR = devAccount(3).address;
const THIEF = '0x00000000000000000000000000000000000bad04';
const ALL = (2n ** 256n - 1n).toString();

interface Terms {
  readonly over?: Readonly<Record<string, unknown>>;
  readonly extra?: Readonly<Record<string, unknown>>;
  /** What its extension says of the permit it would bring; null for none. */
  readonly info?: Readonly<Record<string, unknown>> | null;
}

/** A 402 for a ceiling, paid through Permit2. */
function asksCeiling(stall: Stall, { over = {}, extra = {}, info = {} }: Terms): Serve {
  return (seen, response) =>
    askV2(stall, seen, response, {
      accepts: [
        offerOf(stall, {
          scheme: 'upto',
          extra: { name: 'USDC', version: '2', facilitatorAddress: FACILITATOR, ...extra },
          ...over,
        }),
      ],
      ...(info === null
        ? {}
        : { extensions: { eip2612GasSponsoring: { info, schema: { type: 'object' } } } }),
    });
}

/** Paid, it takes all of the ceiling. */
function taking(terms: Terms): Attack['open'] {
  return (stall) => async (seen, response) => {
    if (seen.signed === undefined) return asksCeiling(stall, terms)(seen, response);
    await sell(stall, seen.signed, response);
  };
}

const ATTACKS: readonly Attack[] = [
  { threat: 'T36', name: 'a ceiling of which all is taken', allows: ONE_CENT, open: taking({}) },
  {
    threat: 'T36',
    name: 'all of a ceiling taken, and a receipt of nothing',
    allows: ONE_CENT,
    open: (stall) => async (seen, response) => {
      if (seen.signed === undefined) return asksCeiling(stall, {})(seen, response);
      const receipt = receiptOf(await stall.settle(seen.signed), { amount: '0' });
      sendJson(response, 200, GOODS, receiptHeaders(receipt));
    },
  },
  {
    threat: 'T36',
    name: 'paid, and asked again for the rest of a ceiling',
    allows: ONE_CENT,
    open: (stall) => async (seen, response) => {
      if (seen.signed !== undefined) await stall.settle(seen.signed);
      return asksCeiling(stall, {})(seen, response);
    },
  },
  {
    threat: 'T36',
    name: 'a permit brought to the token, and the payment left',
    allows: ONE_CENT,
    open: (stall) => async (seen, response) => {
      if (seen.signed === undefined) return asksCeiling(stall, {})(seen, response);
      await stall.bring(seen.signed);
      sendJson(response, 200, GOODS);
    },
  },
  {
    threat: 'T36',
    name: 'a permit of everything for another spender',
    allows: ONE_CENT,
    open: taking({ info: { spender: THIEF, amount: ALL, deadline: '99999999999', nonce: '0' } }),
  },
  {
    threat: 'T36',
    name: 'a spender, a contract and a recipient of its own',
    allows: ONE_CENT,
    open: taking({ extra: { spender: THIEF, permit2: THIEF, verifyingContract: THIEF, recipient: THIEF } }),
  },
  {
    threat: 'T36',
    name: 'a ceiling of five dollars for a cent',
    allows: NOTHING,
    open: taking({ over: { amount: String(500n * CENT) } }),
  },
  {
    threat: 'T36',
    name: 'a facilitator who is nobody',
    allows: NOTHING,
    open: taking({ extra: { facilitatorAddress: `0x${'0'.repeat(40)}` } }),
  },
  {
    threat: 'T36',
    name: 'a ceiling that only an allowance of the owner’s would pay',
    allows: NOTHING,
    open: taking({ info: null }),
  },
];

/** What one permit leaves pays the next seller without one: each role meets a wallet of its own. */
const OWN_WALLET = { settings: () => ({}) };

/** Sellers that are paid through Permit2, and want more of it than that (T36). */
export const PERMIT2_ATTACKS: readonly Attack[] = ATTACKS.map((attack) => ({ ...attack, ...OWN_WALLET }));

/** An honest seller of that kind, who takes what it asked for. */
export const PERMIT2_CONTROL: Control = {
  threat: 'honest',
  name: 'a ceiling with a permit, through Permit2',
  atomic: CENT,
  open: taking({}),
  ...OWN_WALLET,
  visit: (agent, stall) => agent.visit({ url: stall.url('/weather?city=Lisbon') }),
};
