import { Mppx, NodeListener, Request as FetchRequest, tempo } from 'mppx/server';
import type { Address, Hex } from 'viem';
import { devAccount } from '../chain.ts';
import { listenLocal, type LocalServer } from '../localServer.ts';
import { Recording } from '../recording.ts';
import { PATH_USD } from './chain.ts';
import type { ChannelDescriptor, TempoChannels } from './channels.ts';

/** What the shop's challenges are bound with; nothing of worth hangs on it. */
const SECRET = 'a secret of the sandbox alone, forty bytes';
/** Who settles; the shop's own key, as closing a channel takes it. */
const SELLER = devAccount(2);

/** A request as the shop saw it. */
export interface SessionOrder {
  readonly path: string;
  readonly method: string;
  /** What its credential says: which action, on which channel, up to which amount. */
  readonly payload: {
    readonly action: string;
    readonly channelId: string;
    readonly cumulativeAmount?: string;
    readonly signature?: Hex;
    readonly descriptor?: ChannelDescriptor;
  } | null;
}

/** A seller of sessions on the published server of MPP. */
export interface SessionShop extends LocalServer {
  readonly payTo: Address;
  readonly orders: Recording<SessionOrder>;
  /** How often it did its work, by path. */
  served(path: string): number;
}

/**
 * Starts a seller that asks `usd` (0.01 unless the query says another) a call, paid out of a channel, and suggests a deposit
 * of `deposit` (0.50). It pays the fees, unless `fee=own`. `charge=USD` offers a single charge beside.
 * `operator=other` names somebody else as the one who settles.
 * `fault=deaf` drops the connection and does nothing; `lost` serves and drops it; `again` serves nothing, keeps what it was
 * given, and asks for payment once more; `boast` serves, and claims more in its receipt than any voucher says; `echo` serves, and
 * names another channel in its receipt; `unheard` drops what adds to a channel, and `unsaid` brings that to the chain and drops it; `keeps` serves, and meets each wish to close with a demand.
 */
export async function startSessionShop(channels: TempoChannels): Promise<SessionShop> {
  const orders = new Recording<SessionOrder>();
  const served = new Map<string, number>();
  const terms = {
    ...{ currency: PATH_USD, recipient: SELLER.address, account: SELLER, chainId: 42431 },
    getClient: () => channels.client,
  };
  // Both know every channel: who pays the fee of opening one makes no other of it.
  const [feePayer, operator] = [devAccount(1), devAccount(3).address];
  const sellers = [{ feePayer }, {}, { feePayer, operator }].map((fees) => {
    const session = { ...terms, ...fees, amount: '0.01', unitType: 'request' };
    const charge = { ...terms, feePayer: devAccount(1) };
    return Mppx.create({
      methods: [tempo.session(session as never), tempo.charge(charge as never)] as never,
      secretKey: SECRET,
      realm: 'sessions.test',
    });
  });
  const answer = async (request: Request): Promise<Response | null> => {
    const { pathname, searchParams } = new URL(request.url);
    orders.add({ path: pathname, method: request.method, payload: payloadOf(request) });
    const fault = searchParams.get('fault');
    const pays = request.headers.has('authorization');
    const action = payloadOf(request)?.action;
    if (fault === 'deaf' && pays) return null;
    if (fault === 'unheard' && action === 'topUp') return null;
    const isKept = fault === 'keeps' && action === 'close';
    const amount = searchParams.get('usd') ?? '0.01';
    const suggestedDeposit = searchParams.get('deposit') ?? '0.50';
    const single = searchParams.get('charge');
    const ways = [
      ['tempo/session', { amount, suggestedDeposit, unitType: 'request' }],
      ...(single === null ? [] : [['tempo/charge', { amount: single, chainId: 42431 }]]),
    ];
    const seller = sellers[searchParams.has('operator') ? 2 : searchParams.get('fee') === 'own' ? 1 : 0]!;
    const sold = await seller.compose(...(ways as never[]))(isKept ? new Request(request.url) : request);
    if (sold.status === 402) return sold.challenge as Response;
    if (fault === 'again' && pays) {
      const anew = await seller.compose(...(ways as never[]))(new Request(request.url));
      return anew.status === 402 ? (anew.challenge as Response) : null;
    }
    if (fault === 'unsaid' && action === 'topUp') return null;
    served.set(pathname, (served.get(pathname) ?? 0) + 1);
    if (fault === 'lost') return null;
    const told = sold.withReceipt(Response.json({ sold: pathname })) as Response;
    if (fault === 'echo') return claiming(told, () => ({ channelId: `0x${'ec'.repeat(32)}` }));
    return fault === 'boast' ? claiming(told, boast) : told;
  };
  const server = await listenLocal((incoming, outgoing) => {
    answer(FetchRequest.fromNodeListener(incoming, outgoing))
      .then(async (response) => {
        if (response === null) incoming.socket.destroy();
        else await NodeListener.sendResponse(outgoing, response);
      })
      .catch((error: unknown) => outgoing.writeHead(500).end(String(error)));
  });
  return { ...server, payTo: SELLER.address, orders, served: (path) => served.get(path) ?? 0 };
}

function payloadOf(request: Request): SessionOrder['payload'] {
  const [scheme, encoded = ''] = (request.headers.get('authorization') ?? '').split(' ');
  if (scheme !== 'Payment') return null;
  const credential = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as { payload: unknown };
  return credential.payload as SessionOrder['payload'];
}

type Receipt = Readonly<Record<string, string>>;

/** A receipt that claims other than what is so. */
function claiming(answer: Response, claims: (receipt: Receipt) => Receipt): Response {
  const headers = new Headers(answer.headers);
  const receipt = JSON.parse(
    Buffer.from(headers.get('payment-receipt') ?? '', 'base64url').toString(),
  ) as Receipt;
  const claimed = { ...receipt, ...claims(receipt) };
  headers.set('payment-receipt', Buffer.from(JSON.stringify(claimed)).toString('base64url'));
  return new Response(answer.body, { status: answer.status, headers });
}

/** A thousand times of what it was given. */
function boast({ acceptedCumulative = '0', spent = '0' }: Receipt): Receipt {
  return { acceptedCumulative: `${acceptedCumulative}000`, spent: `${spent}000` };
}
