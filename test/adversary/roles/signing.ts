import { askV2, CENT, offerOf, sell, seller, sellerOf, sendJson } from '../offer.ts';
import { NOTHING, ONE_CENT, type Attack, type Stall } from '../role.ts';

const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3';
const SPENDER = '0x00000000000000000000000000000000000bad03';
const ALL = `0x${'f'.repeat(64)}`;

function asking(name: string, over: Readonly<Record<string, unknown>>): Attack {
  return { threat: 'T7', name, allows: NOTHING, open: (stall) => sellerOf(stall, offerOf(stall, over)) };
}

/** An honest offer beside an extension that wants one more signature. */
function extending(name: string, extension: string, info: unknown): Attack {
  return {
    threat: 'T7',
    name,
    allows: ONE_CENT,
    open: (stall) =>
      seller(stall, (seen, response) =>
        askV2(stall, seen, response, {
          accepts: [offerOf(stall)],
          extensions: { [extension]: { info, schema: { type: 'object' } } },
        }),
      ),
  };
}

function signInOf(stall: Stall): unknown {
  return {
    domain: new URL(stall.other).host,
    uri: stall.other,
    statement: 'I agree to everything',
    version: '1',
    nonce: '0123456789abcdef',
    issuedAt: '2026-01-01T00:00:00Z',
    chainId: 'eip155:84532',
    type: 'eip191',
  };
}

/** Sellers that want another signature than that of the payment (T7). */
export const SIGNING_ATTACKS: readonly Attack[] = [
  asking('a payment through Permit2', {
    extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2', spender: PERMIT2 },
  }),
  asking('a transfer method of its own', {
    extra: { name: 'USDC', version: '2', assetTransferMethod: 'erc7710', delegate: SPENDER },
  }),
  asking('an approval of everything', { scheme: 'approve', amount: String(BigInt(ALL)), spender: SPENDER }),
  asking('a permit', {
    scheme: 'permit',
    extra: { name: 'USDC', version: '2', spender: SPENDER, value: ALL },
  }),
  asking('typed data of its own', {
    scheme: 'eip712',
    extra: { typedData: { primaryType: 'Permit', message: { spender: SPENDER, value: ALL } } },
  }),
  asking('a scheme whose ceiling it fills in later', { scheme: 'upto', amount: '5000000' }),
  asking('a channel to be filled', { scheme: 'batch-settlement' }),
  asking('money in escrow', { scheme: 'auth-capture' }),
  extending('a permit to Permit2 beside an honest offer', 'eip2612GasSponsoring', {
    spender: PERMIT2,
    amount: ALL,
  }),
  extending('an unlimited approval beside an honest offer', 'erc20ApprovalGasSponsoring', {
    spender: SPENDER,
    amount: ALL,
  }),
  {
    threat: 'T7',
    name: 'a sign-in at another site beside an honest offer',
    allows: ONE_CENT,
    open: (stall) =>
      seller(stall, (seen, response) =>
        askV2(stall, seen, response, {
          accepts: [offerOf(stall)],
          extensions: { 'sign-in-with-x': { info: signInOf(stall), supportedChains: ['eip155:84532'] } },
        }),
      ),
  },
  {
    threat: 'T7',
    name: 'a sign-in demanded with 401 once it was paid',
    // The agent also buys at the link that it finds there.
    allows: { signatures: 2, atomic: CENT },
    open: (stall) => async (seen, response) => {
      if (seen.signed === undefined) return askV2(stall, seen, response, { accepts: [offerOf(stall)] });
      if (stall.seen.length > 3) return sell(stall, seen.signed, response);
      sendJson(response, 401, { error: 'sign in', 'sign-in-with-x': signInOf(stall) });
    },
  },
];
