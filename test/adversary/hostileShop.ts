import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { encodeFunctionData, isHex, type Address, type Hex } from 'viem';
import { createQueue } from '../../sandbox/queue.ts';
import { decodeHeader, PAYMENT_HEADERS } from '../../sandbox/shop/order.ts';
import { USDC, USDC_ABI } from '../../sandbox/usdc.ts';
import { devAccount } from '../../sandbox/chain.ts';
import type { Sandbox } from '../../sandbox/world.ts';
import { nobodysAddress } from '../../sandbox/solana/chain.ts';
import { tokenAccountOf } from '../../sandbox/solana/token.ts';
import type {
  Role,
  Seen,
  Serve,
  Signed,
  SignedOnBase,
  SignedOnSolana,
  SignedThroughPermit2,
  Stall,
} from './role.ts';
import { bringPermit, isThroughPermit2, readSignedThroughPermit2, takeAll } from './permit2.ts';
import { isOnSolana, readSignedOnSolana } from './solanaTransfer.ts';
import { receiptOf } from '../../sandbox/receipt.ts';

const ZONE = 'shop.test';
/** The most of a request that is kept. */
const BODY_BYTES_MAX = 64 * 1024;

/** A stall with what only the judge looks at. */
export interface OpenStall extends Stall {
  readonly role: Role;
  /** Hosts by the payees, in lower case, that they asked for. */
  readonly asked: ReadonlyMap<string, ReadonlySet<string>>;
  /** Every payee of the role, in lower case. */
  readonly payees: ReadonlySet<string>;
  /** The same on Solana, in their own letters. */
  readonly payeesOnSolana: ReadonlySet<string>;
  /** What reached the place where nobody may go. */
  readonly intrusions: readonly string[];
}

/** One hostile server on loopback with two virtual hosts for each role. */
export class HostileShop {
  readonly stalls: readonly OpenStall[];
  readonly #server: Server;
  readonly #intranet: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, intranet: Server, sockets: Set<Socket>, stalls: readonly OpenStall[]) {
    this.#server = server;
    this.#intranet = intranet;
    this.#sockets = sockets;
    this.stalls = stalls;
  }

  static async start(sandbox: Sandbox, roles: readonly Role[]): Promise<HostileShop> {
    const hosts = new Map<string, { readonly serve: Serve; readonly seen: Seen[] }>();
    const sockets = new Set<Socket>();
    const intrusions = new Map<string, string[]>();
    const owners = new Map<string, string>();
    const server = createServer((request, response) => {
      const host = (request.headers.host ?? '').toLowerCase();
      const stall = hosts.get(host);
      response.on('error', () => undefined);
      if (stall === undefined) return void response.writeHead(421).end();
      // A stall may have made up the payee of what comes here a moment ago.
      const named = async (): Promise<ReadonlyMap<string, string>> => {
        await Promise.all(naming);
        return owners;
      };
      void readSeen(request, host, named).then(async (seen) => {
        stall.seen.push(seen);
        await stall.serve(seen, response);
      });
    });
    const intranet = createServer((request, response) => {
      const id = (request.url ?? '/').split(/[/?]/)[1] ?? '';
      intrusions.get(id)?.push(`${request.method ?? ''} ${request.headers.host ?? ''}${request.url ?? ''}`);
      response.end('{"secret":"of the intranet"}');
    });
    const [port, intranetPort] = await Promise.all([listen(server, sockets), listen(intranet, sockets)]);
    const settle = settler(sandbox);
    const { solana } = sandbox;
    const naming: Promise<void>[] = [];
    const opening: Promise<void>[] = [];
    const openAccount = (owner: string): void => {
      const name = async (): Promise<void> => {
        owners.set(await tokenAccountOf(owner as Parameters<typeof tokenAccountOf>[0]), owner);
      };
      naming.push(name());
      opening.push(solana.fund(owner, 0n).then(() => undefined));
    };
    const stalls = roles.map((role) => {
      const id = idOf(role);
      const entered: string[] = [];
      intrusions.set(id, entered);
      const intranetUrl = `http://127.0.0.1:${intranetPort}/${id}`;
      const own = { settle, bring: bringer(sandbox), openAccount, feePayer: solana.feePayer.address };
      const stall = openStall(role, id, port, intranetUrl, entered, own);
      const serve = role.open(stall);
      for (const name of [id, `${id}-other`])
        hosts.set(`${name}.${ZONE}:${port}`, { serve, seen: stall.seen as Seen[] });
      return stall;
    });
    await Promise.all(opening);
    return new HostileShop(server, intranet, sockets, stalls);
  }

  /** What the owner has to allow for the stalls to be reached at all. */
  get hostPorts(): string[] {
    return this.stalls.flatMap(({ origin, other }) => [new URL(origin).host, new URL(other).host]);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      [this.#server, this.#intranet].map((server) => new Promise((resolve) => server.close(resolve))),
    );
  }
}

/** A name of DNS for a role: short, and its own. */
function idOf({ threat, name }: Role): string {
  return `${threat.toLowerCase()}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** What every stall shares on the chains. */
interface OnChains extends Pick<Stall, 'settle' | 'bring' | 'feePayer'> {
  /** Gives an address of Solana its token account, long before it is paid. */
  readonly openAccount: (owner: string) => void;
}

function openStall(
  role: Role,
  id: string,
  port: number,
  intranet: string,
  intrusions: readonly string[],
  { settle, bring, openAccount, feePayer }: OnChains,
): OpenStall {
  const asked = new Map<string, Set<string>>();
  const payees = new Set<string>();
  const freshPayTo = (): Address => {
    const payTo: Address = `0x${createHash('sha256').update(`${id} ${port} ${payees.size}`).digest('hex').slice(0, 40)}`;
    payees.add(payTo);
    return payTo;
  };
  const payeesOnSolana = new Set<string>();
  const freshPayToSolana = (): string => {
    const payTo = nobodysAddress(Buffer.from(`${id} ${port} ${payeesOnSolana.size}`));
    payeesOnSolana.add(payTo);
    openAccount(payTo);
    return payTo;
  };
  const origin = `http://${id}.${ZONE}:${port}`;
  return {
    role,
    origin,
    other: `http://${id}-other.${ZONE}:${port}`,
    intranet,
    payTo: freshPayTo(),
    payToSolana: freshPayToSolana(),
    feePayer,
    seen: [],
    asked,
    payees,
    payeesOnSolana,
    intrusions,
    url: (path = '/') => `${origin}${path}`,
    freshPayTo,
    freshPayToSolana,
    asks(host, payTo) {
      const key = payTo.toLowerCase();
      asked.set(key, (asked.get(key) ?? new Set()).add(host));
    },
    settle,
    bring,
  };
}

/** Settles as any holder of a signature can: by handing it to the token. Twice the same gives the same transaction. */
function settler({ chain, solana }: Sandbox): Stall['settle'] {
  const inTurn = createQueue();
  const settled = new Map<Hex, Promise<Hex>>();
  const landed = new Map<string, Promise<string>>();
  const land = async ({ transaction }: SignedOnSolana): Promise<string> => {
    const { signature, send } = await solana.cosign(transaction);
    await send();
    return signature;
  };
  const from = devAccount(3).address;
  const settle = async (given: SignedOnBase | SignedThroughPermit2): Promise<Hex> => {
    if (isThroughPermit2(given)) {
      const call = { from, ...takeAll(given), gas: '0x4c4b40' };
      return inTurn(async () => (await chain.rpc('eth_sendTransaction', [call])) as Hex);
    }
    const { nonce, ...signed } = given;
    const data = encodeFunctionData({
      abi: USDC_ABI,
      functionName: 'transferWithAuthorization',
      args: [
        signed.from,
        signed.to,
        signed.value,
        signed.validAfter,
        signed.validBefore,
        nonce,
        signed.signature,
      ],
    });
    return inTurn(
      async () =>
        (await chain.rpc('eth_sendTransaction', [{ from, to: USDC, data, gas: '0x4c4b40' }])) as Hex,
    );
  };
  return async (signed) => {
    if (isOnSolana(signed)) {
      const known = landed.get(signed.nonce) ?? land(signed);
      landed.set(signed.nonce, known);
      return known;
    }
    const known = settled.get(signed.nonce) ?? settle(signed);
    settled.set(signed.nonce, known);
    const hash = await known;
    await receiptOf(chain.client, hash);
    return hash;
  };
}

/** Brings permits to the token, as anybody can. */
function bringer({ chain }: Sandbox): Stall['bring'] {
  const from = devAccount(5).address;
  const inTurn = createQueue();
  return async (signed) => {
    const call = isThroughPermit2(signed) ? bringPermit(signed) : undefined;
    if (call === undefined) return;
    const params = [{ from, ...call, gas: '0x4c4b40' }];
    const hash = (await inTurn(async () => chain.rpc('eth_sendTransaction', params))) as Hex;
    await receiptOf(chain.client, hash);
  };
}

async function readSeen(
  request: IncomingMessage,
  host: string,
  named: () => Promise<ReadonlyMap<string, string>>,
): Promise<Seen> {
  let body = '';
  for await (const piece of request) if (body.length < BODY_BYTES_MAX) body += String(piece);
  const url = new URL(request.url ?? '/', `http://${host}`);
  const header = Object.values(PAYMENT_HEADERS)
    .map((name) => request.headers[name])
    .find((value) => typeof value === 'string');
  const payload = typeof header === 'string' ? decodeHeader(header) : paymentInMeta(body);
  const atSec = Date.now() / 1000;
  return {
    host,
    method: request.method ?? '',
    path: url.pathname,
    url,
    headers: request.headers,
    body,
    atSec,
    payload,
    signed: readSigned(payload, await named()),
  };
}

/** The payment in the `_meta` of a call of MCP; undefined where there is none. */
function paymentInMeta(body: string): unknown {
  if (!body.includes('x402/payment')) return undefined;
  const { params } = JSON.parse(body) as { params?: { _meta?: Record<string, unknown> } };
  return params?._meta?.['x402/payment'];
}

interface Exact {
  readonly signature?: unknown;
  readonly authorization?: Record<string, string>;
  readonly transaction?: unknown;
}

function readSigned(payload: unknown, owners: ReadonlyMap<string, string>): Signed | undefined {
  const exact = (payload as { payload?: Exact } | null)?.payload;
  const throughPermit2 = readSignedThroughPermit2(payload);
  if (throughPermit2 !== undefined) return throughPermit2;
  const { signature, authorization, transaction, ...more } = exact ?? {};
  if (typeof transaction === 'string') {
    const isAlone = signature === undefined && authorization === undefined && Object.keys(more).length === 0;
    return isAlone ? readSignedOnSolana(transaction, owners) : undefined;
  }
  if (authorization === undefined || !isHex(signature)) return undefined;
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return {
    chain: 'base',
    from: from as Address,
    to: to as Address,
    value: BigInt(value ?? 0),
    validAfter: BigInt(validAfter ?? 0),
    validBefore: BigInt(validBefore ?? 0),
    nonce: nonce as Hex,
    signature,
  };
}

async function listen(server: Server, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
