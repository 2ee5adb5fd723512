import { Mppx, NodeListener, Request as FetchRequest, tempo } from 'mppx/server';
import { encodeFunctionData, fromRlp, numberToHex, parseAbi, type Address, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { sendTransaction } from 'viem/actions';
import { Account as TempoAccount } from 'viem/tempo';
import { devAccount } from '../chain.ts';
import { listenLocal, type LocalServer } from '../localServer.ts';
import { Recording } from '../recording.ts';
import { PATH_USD, type TempoChain } from './chain.ts';
import { receiptOf } from '../receipt.ts';

/** What the shop's challenges are bound with; nothing of worth hangs on it. */
const SECRET = 'a secret of the sandbox alone, forty bytes';
const SELLER = devAccount(2).address;
const KEYCHAIN: Address = '0xaAAAaaAA00000000000000000000000000000000';
const ABI = parseAbi([
  'struct TokenLimit { address token; uint256 amount; uint64 period; }',
  'struct SelectorRule { bytes4 selector; address[] recipients; }',
  'struct CallScope { address target; SelectorRule[] selectorRules; }',
  'struct KeyRestrictions { uint64 expiry; bool enforceLimits; TokenLimit[] limits; bool allowAnyCalls; CallScope[] allowedCalls; }',
  'function authorizeKey(address keyId, uint8 signatureType, KeyRestrictions config)',
  'function transferWithMemo(address to, uint256 amount, bytes32 memo)',
]);
const KEY_GAS = 4_000_000n;
const CHARGE_GAS = 2_000_000n;
const WINDOW_SEC = 25;
const RECEIPT_MS_MAX = 2_000;
const CHALLENGE_MS = 300_000;

/** A request as the shop saw it. */
export interface SubscriptionOrder {
  readonly path: string;
  /** The promise that it came with, in hex; null for none. */
  readonly authorization: Hex | null;
}

/** A seller of subscriptions on the published server of MPP. */
export interface SubscriptionShop extends LocalServer {
  readonly payTo: Address;
  readonly orders: Recording<SubscriptionOrder>;
  /** Takes so much, atomic, from whoever subscribed at a path; rejects where the chain refuses. */
  charge(path: string, atomic: bigint): Promise<Hex>;
}

interface Sold {
  readonly key: Hex;
  payer: Address | null;
}

/**
 * Starts a seller that wants `usd` (1.00 unless the query says another) every `days` (30) for `life` days (60). Who subscribed at
 * a path is served there from then on. `fault=deaf` takes the promise and answers nothing; `fault=late` keeps it, charges nothing,
 * and asks again. `charge=USD` offers a single charge beside.
 *
 * The published server checks the promise. What brings it to the chain is the sandbox's own: the local chain knows keys, their
 * limits and periods, and not yet the witness that binds one to a challenge, so it is let in by its payer's address.
 */
export async function startSubscriptionShop(chain: TempoChain, now: () => number): Promise<SubscriptionShop> {
  const orders = new Recording<SubscriptionOrder>();
  const sold = new Map<string, Sold>();
  const at = (path: string): Sold => {
    const known = sold.get(path) ?? { key: generatePrivateKey(), payer: null };
    sold.set(path, known);
    return known;
  };
  const charge = async (path: string, atomic: bigint): Promise<Hex> => {
    const { key, payer } = at(path);
    if (payer === null) throw new Error(`Nobody subscribed at ${path}`);
    const account = TempoAccount.fromSecp256k1(key, { access: payer } as never);
    const memo: Hex = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}`;
    const data = encodeFunctionData({
      abi: ABI,
      functionName: 'transferWithMemo',
      args: [SELLER, atomic, memo],
    });
    // The seller pays the fee: it would count against the key's limit.
    const transaction = {
      ...{ account, calls: [{ to: PATH_USD, data }], gas: CHARGE_GAS, feePayer: devAccount(1) },
      // By the world's clock, which may have been moved far ahead of the machine's.
      validBefore: Math.floor(now() / 1000) + WINDOW_SEC,
    };
    const hash = await sendTransaction(chain.client, transaction as never);
    // What the chain will not take is dropped by it without a word.
    const { status } = await receiptOf(chain.client, hash, RECEIPT_MS_MAX);
    if (status !== 'success') throw new Error(`Transaction ${hash} failed`);
    return hash;
  };
  const seller = Mppx.create({
    methods: [
      tempo.subscription({
        ...{ currency: PATH_USD, recipient: SELLER, chainId: 42431, getClient: () => chain.client },
        ...{ amount: '1', periodCount: '30', periodUnit: 'day' },
        subscriptionExpires: new Date(Math.floor(now() / 1000) * 1000 + 60 * 86_400_000),
        resolve: ({ input }: { input: Request }) => Promise.resolve(resolvedAt(input)),
        activate: ({ credential, request, resolved, source }: Activation) =>
          activate({ credential, request, resolved, source }),
      } as never),
      tempo.charge({
        currency: PATH_USD,
        recipient: SELLER,
        feePayer: devAccount(1),
        getClient: () => chain.client,
      }),
    ] as never,
    secretKey: SECRET,
    realm: 'subscriptions.test',
  });

  function resolvedAt(input: Request) {
    const { pathname } = new URL(input.url);
    const { address } = privateKeyToAccount(at(pathname).key);
    return { key: pathname, accessKey: { accessKeyAddress: address, keyType: 'secp256k1' } };
  }

  async function activate({ credential, request, resolved, source }: Activation) {
    await letIn(chain, source.address, readAuthorization(credential.payload.signature));
    at(resolved.key).payer = source.address;
    const subscriptionId = Buffer.from(resolved.key).toString('base64url');
    const reference = await charge(resolved.key, BigInt(request.amount));
    const timestamp = new Date(now()).toISOString();
    const { amount, currency, recipient, periodCount, periodUnit, subscriptionExpires } = request;
    return {
      receipt: {
        ...{ method: 'tempo', reference, status: 'success', subscriptionId, timestamp },
      },
      subscription: {
        ...{
          amount,
          currency,
          recipient,
          periodCount,
          periodUnit,
          subscriptionExpires,
          timestamp,
          reference,
        },
        ...{ billingAnchor: timestamp, chainId: 42431, lastChargedPeriod: 0, lookupKey: resolved.key },
        ...{ payer: source, subscriptionId },
      },
    };
  }

  const answer = async (request: Request): Promise<Response | null> => {
    const { pathname, searchParams } = new URL(request.url);
    const authorization = authorizationIn(request);
    orders.add({ path: pathname, authorization });
    const terms = {
      expires: new Date(now() + CHALLENGE_MS).toISOString(),
      ...{ amount: searchParams.get('usd') ?? '1.00', periodCount: searchParams.get('days') ?? '30' },
      subscriptionExpires: new Date(
        Math.floor(now() / 86_400_000) * 86_400_000 +
          (Number(searchParams.get('life') ?? '60') + 1) * 86_400_000,
      ),
    };
    const single = searchParams.get('charge');
    const ways = [
      ['tempo/subscription', terms],
      ...(single === null ? [] : [['tempo/charge', { amount: single, chainId: 42431 }]]),
    ];
    const fault = searchParams.get('fault');
    if (fault === 'late' && authorization !== null) {
      const anew = await seller.compose(...(ways as never[]))(new Request(request.url));
      return anew.status === 402 ? (anew.challenge as Response) : null;
    }
    const sale = await seller.compose(...(ways as never[]))(request);
    if (sale.status === 402) return sale.challenge as Response;
    if (fault === 'deaf') return null;
    return sale.withReceipt(Response.json({ sold: pathname })) as Response;
  };
  const server = await listenLocal((incoming, outgoing) => {
    answer(FetchRequest.fromNodeListener(incoming, outgoing))
      .then(async (response) => {
        if (response === null) incoming.socket.destroy();
        else await NodeListener.sendResponse(outgoing, response);
      })
      .catch((error: unknown) => outgoing.writeHead(500).end(String(error)));
  });
  return { ...server, payTo: SELLER, orders, charge };
}

interface Activation {
  readonly credential: { readonly payload: { readonly signature: Hex } };
  readonly request: Readonly<
    Record<'amount' | 'currency' | 'recipient' | 'periodCount' | 'periodUnit' | 'subscriptionExpires', string>
  >;
  readonly resolved: { readonly key: string };
  readonly source: { readonly address: Address };
}

interface Limits {
  readonly address: Address;
  readonly expiry: number;
  readonly limits: readonly { readonly token: Address; readonly limit: bigint; readonly period: number }[];
  readonly scopes: readonly {
    readonly address: Address;
    readonly selector: Hex;
    readonly recipients: readonly Address[];
  }[];
}

/** The published server has checked it: what is left is to read it as the chain would. */
function readAuthorization(authorization: Hex): Limits {
  const [[, , address, expiry, limits, scopes]] = fromRlp(authorization, 'hex') as unknown as [
    [Hex, Hex, Address, Hex, [Address, Hex, Hex][], [Address, [Hex, Address[]][]][]],
  ];
  return {
    ...{ address, expiry: Number(expiry) },
    limits: limits.map(([token, limit, period]) => ({ token, limit: BigInt(limit), period: Number(period) })),
    scopes: scopes.flatMap(([target, rules]) =>
      rules.map(([selector, recipients]) => ({ address: target, selector, recipients })),
    ),
  };
}

/** Lets a key in as its promise says, by the address of whoever signed that. */
async function letIn(
  chain: TempoChain,
  payer: Address,
  { address, expiry, limits, scopes }: Limits,
): Promise<void> {
  const config = {
    ...{ expiry: BigInt(expiry), enforceLimits: true, allowAnyCalls: false },
    limits: limits.map(({ token, limit, period }) => ({ token, amount: limit, period: BigInt(period) })),
    allowedCalls: scopes.map((scope) => ({
      target: scope.address,
      selectorRules: [{ selector: scope.selector, recipients: [...scope.recipients] }],
    })),
  };
  const data = encodeFunctionData({ abi: ABI, functionName: 'authorizeKey', args: [address, 0, config] });
  await chain.rpc('anvil_impersonateAccount', [payer]);
  const hash = (await chain.rpc('eth_sendTransaction', [
    { from: payer, to: KEYCHAIN, data, gas: numberToHex(KEY_GAS), type: '0x76', feeToken: PATH_USD },
  ])) as Hex;
  const { status } = await receiptOf(chain.client, hash);
  await chain.rpc('anvil_stopImpersonatingAccount', [payer]);
  if (status !== 'success') throw new Error(`Transaction ${hash} failed`);
}

function authorizationIn(request: Request): Hex | null {
  const [scheme, encoded = ''] = (request.headers.get('authorization') ?? '').split(' ');
  if (scheme !== 'Payment') return null;
  const { payload } = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as {
    payload: { signature?: Hex };
  };
  return payload.signature ?? null;
}
