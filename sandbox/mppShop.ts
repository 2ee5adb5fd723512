import { solana } from '@solana/mpp/server';
import { evm, Mppx, NodeListener, Request as FetchRequest, tempo, Transport } from 'mppx/server';
import { devAccount } from './chain.ts';
import type { Facilitator } from './facilitator.ts';
import { listenLocal, type LocalServer } from './localServer.ts';
import { Recording } from './recording.ts';
import type { Shop } from './shop/shop.ts';
import type { SolanaChain } from './solana/chain.ts';
import { USDC_MINT } from './solana/token.ts';
import { PATH_USD, type TempoChain } from './tempo/chain.ts';
import { USDC } from './usdc.ts';

/** What the shop's challenges are bound with; nobody else needs to know it, and nothing of worth hangs on it. */
const SECRET = 'a secret of the sandbox alone, forty bytes';
const CHAIN_ID = 84532;
const DECIMALS = 6;
/** How long a challenge lives, seconds, unless the query says otherwise: as the server has it. */
const LIFE_SEC = 300;
/** To a server whose own clock stands still a payment may seem to live for as long as the world was moved ahead. */
const AHEAD_SEC_MAX = 366 * 86_400;

/** What the shop is made of. */
export interface MppShopParts {
  readonly solana: SolanaChain;
  /** Without one, nothing is sold on Tempo. */
  readonly tempo?: TempoChain;
  readonly facilitator: Facilitator;
  readonly shop: Shop;
  /** The world's clock, where that may be moved far ahead of the machine's, which the published servers read. */
  readonly now?: () => number;
}

/** What the server asks to be settled: the payload of a credential, and the request that it answers. */
interface Settling {
  readonly payload: Readonly<
    Record<'from' | 'to' | 'value' | 'validAfter' | 'validBefore' | 'nonce' | 'signature', string>
  >;
  readonly request: { readonly amount: string; readonly currency: string; readonly recipient: string };
}

/** Has the sandbox's facilitator settle an authorization; answers the transaction. */
async function settle(
  facilitatorUrl: string,
  { signature, from, to, value, validAfter, validBefore, nonce }: Settling['payload'],
  { amount, currency, recipient }: Settling['request'],
): Promise<string> {
  const accepted = {
    ...{ scheme: 'exact', network: `eip155:${CHAIN_ID}`, amount, asset: currency, payTo: recipient },
    ...{ maxTimeoutSeconds: 300, extra: { name: 'USDC', version: '2' } },
  };
  const authorization = { from, to, value, validAfter, validBefore, nonce };
  const response = await fetch(`${facilitatorUrl}/settle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted, payload: { signature, authorization } },
      paymentRequirements: accepted,
    }),
  });
  const settled = (await response.json()) as { success: boolean; transaction: string; errorReason?: string };
  if (!settled.success) throw new Error(`not settled: ${settled.errorReason ?? response.status}`);
  return settled.transaction;
}

function chargeOnEvm({ facilitator, shop }: Pick<MppShopParts, 'facilitator' | 'shop'>) {
  return evm.charge({
    currency: USDC,
    recipient: shop.payTo,
    chainId: CHAIN_ID,
    decimals: DECIMALS,
    authorization: { name: 'USDC', version: '2' },
    settle: async ({ payload, request }) => ({ reference: await settle(facilitator.url, payload, request) }),
  });
}

/** A call of a tool as JSON-RPC carries it. */
export interface ToolCall {
  readonly jsonrpc: '2.0';
  readonly id: number | string;
  readonly method: string;
  readonly params?: object;
}

/**
 * Sells a tool by the published server of MPP as MCP carries it: gives the answer of JSON-RPC, which has the result where the call
 * was paid, and asks for `usd` where it was not.
 */
export function toolSeller(
  parts: Pick<MppShopParts, 'facilitator' | 'shop'>,
  usd: string,
): (call: ToolCall, result: object) => Promise<object> {
  // That method brings a way over HTTP alone, which would stand over the server's own.
  const charge = { ...chargeOnEvm(parts), transport: undefined };
  const seller = Mppx.create({
    ...{ methods: [charge] as never, secretKey: SECRET, realm: 'tools.test' },
    transport: Transport.mcp() as never,
  }) as unknown as {
    charge(asked: { readonly amount: string }): (call: ToolCall) => Promise<{
      readonly status: number;
      readonly challenge: object;
      withReceipt(response: object): object;
    }>;
  };
  return async (call, result) => {
    const sold = await seller.charge({ amount: usd })(call);
    const { jsonrpc, id } = call;
    return sold.status === 402 ? sold.challenge : sold.withReceipt({ jsonrpc, id, result });
  };
}

function asked(challenge: Response, query: URLSearchParams): Response {
  const headers = new Headers(challenge.headers);
  if (!query.has('x402')) headers.delete('payment-required');
  return new Response(challenge.body, { status: challenge.status, headers });
}

/** A request as the shop saw it. */
export interface MppOrder {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly paymentAuthorization: string | undefined;
}

/** A seller on the published servers of MPP: `mppx` for the EVM, `@solana/mpp` for Solana. */
export interface MppShop extends LocalServer {
  readonly orders: Recording<MppOrder>;
}

/**
 * Starts a seller that asks `usd` (0.01 unless the query says another) at `/evm`, `/solana`, `/tempo`, by the first two at
 * `/both` and by all at `/all`. On Tempo it pays the fee, unless `fee=own`.
 * `x402=1` leaves in what the server offers by x402 of itself. `requires_auth=1` has the payment come in `Payment-Authorization`. `reference=TEXT` is the seller's own, on Solana its memo.
 * With a clock of the world's, `life=` says how many seconds a challenge lives.
 * `fault=lost` settles and destroys the connection; `fault=again` settles, and asks for payment once more.
 */
export async function startMppShop({
  solana: ledger,
  tempo: tempoChain,
  facilitator,
  shop,
  now,
}: MppShopParts): Promise<MppShop> {
  const orders = new Recording<MppOrder>();
  const evmCharge = chargeOnEvm({ facilitator, shop });
  const solanaCharge = solana.charge({
    recipient: shop.payToSolana,
    currency: USDC_MINT,
    decimals: DECIMALS,
    network: 'devnet',
    rpcUrl: ledger.url,
    signer: ledger.feePayer,
  });
  const tempoCharges =
    tempoChain === undefined
      ? []
      : [
          tempo.charge({
            currency: PATH_USD,
            recipient: shop.payTo,
            feePayer: devAccount(1),
            ...(now === undefined ? {} : { feePayerPolicy: { maxValidityWindowSeconds: AHEAD_SEC_MAX } }),
            getClient: () => tempoChain.client,
          }),
        ];
  const sellers = [false, true].map((requiresAuth) =>
    Mppx.create({
      methods: [evmCharge, solanaCharge, ...tempoCharges] as never,
      secretKey: SECRET,
      realm: 'shop.test',
      requiresAuth,
    }),
  );
  const answer = async (request: Request): Promise<Response | null> => {
    const { pathname, searchParams } = new URL(request.url);
    orders.add({
      path: pathname,
      authorization: request.headers.get('authorization') ?? undefined,
      paymentAuthorization: request.headers.get('payment-authorization') ?? undefined,
    });
    const seller = sellers[searchParams.has('requires_auth') ? 1 : 0]!;
    const usd = searchParams.get('usd') ?? '0.01';
    const externalId = searchParams.get('reference') ?? undefined;
    const reference = externalId === undefined ? {} : { externalId };
    const lifeSec = Number(searchParams.get('life') ?? LIFE_SEC);
    const ends = now === undefined ? {} : { expires: new Date(now() + lifeSec * 1000).toISOString() };
    // The method for Solana takes the token's own unit where that for the EVM takes dollars.
    const onEvm = ['evm/charge', { amount: usd, ...ends }] as const;
    const onSolana = [
      'solana/charge',
      { amount: String(Math.round(Number(usd) * 1e6)), ...reference, ...ends },
    ] as const;
    const fee = searchParams.get('fee') === 'own' ? { feePayer: false } : {};
    const onTempo = ['tempo/charge', { amount: usd, chainId: 42431, ...fee, ...reference, ...ends }] as const;
    const ways = {
      '/evm': [onEvm],
      '/solana': [onSolana],
      '/both': [onEvm, onSolana],
      ...(tempoChain === undefined ? {} : { '/tempo': [onTempo], '/all': [onEvm, onSolana, onTempo] }),
    }[pathname];
    if (ways === undefined) return new Response(null, { status: 404 });
    const sold = await seller.compose(...(ways as never[]))(request);
    if (sold.status === 402) return asked(sold.challenge as Response, searchParams);
    const fault = searchParams.get('fault');
    if (fault === 'lost') return null;
    if (fault === 'again') {
      const anew = await seller.compose(...(ways as never[]))(new Request(request.url));
      if (anew.status === 402) return asked(anew.challenge as Response, searchParams);
    }
    return sold.withReceipt(Response.json({ sold: pathname })) as Response;
  };
  const server = await listenLocal((incoming, outgoing) => {
    answer(FetchRequest.fromNodeListener(incoming, outgoing))
      .then(async (response) => {
        if (response === null) incoming.socket.destroy();
        else await NodeListener.sendResponse(outgoing, response);
      })
      .catch((error: unknown) => outgoing.writeHead(500).end(String(error)));
  });
  return { ...server, orders };
}
