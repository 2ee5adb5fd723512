import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../src/net/certificate.fixture.ts';
import type { BookedPayment, LightningNode } from './node.ts';

/** A node that is reached by LND's REST interface. */
export interface LndNode {
  /** What an owner pastes. */
  readonly connection: string;
  /** While set, it breaks every connection off. */
  setDown(isDown: boolean): void;
  /** Has it say another key than the node's own; null for its own. */
  setIdentity(id: string | null): void;
  close(): Promise<void>;
}

const MACAROON = '0201036c6e64'.padEnd(64, '0');
const STATES = { paid: 'SUCCEEDED', failed: 'FAILED', in_flight: 'IN_FLIGHT' } as const;

/** Serves a node in the shapes of LND's REST gateway, over TLS by a certificate of its own. */
export async function serveLnd(node: LightningNode): Promise<LndNode> {
  const { cert, key } = makeCertificate(['127.0.0.1']);
  let isDown = false;
  let identity: string | null = null;
  const server = createServer({ cert, key }, (request, response) => {
    if (isDown) return request.socket.destroy();
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (request.headers['grpc-metadata-macaroon'] !== MACAROON)
        return tell(response, 500, { code: 2, message: 'verification failed: signature mismatch' });
      const text = Buffer.concat(pieces).toString('utf8');
      void answer(
        node,
        identity ?? node.id,
        request.url ?? '',
        text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        response,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const der = new X509Certificate(cert).raw.toString('base64url');
  const macaroon = Buffer.from(MACAROON, 'hex').toString('base64url');
  return {
    setDown(down) {
      isDown = down;
      if (down) server.closeAllConnections();
    },
    setIdentity: (id) => (identity = id),
    connection: `lndconnect://127.0.0.1:${port}?cert=${der}&macaroon=${macaroon}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  node: LightningNode,
  id: string,
  url: string,
  body: Record<string, unknown>,
  response: ServerResponse,
): Promise<void> {
  const path = url.split('?')[0] ?? '';
  if (path === '/v1/getinfo')
    return tell(response, 200, {
      ...{ identity_pubkey: id, alias: 'sandbox' },
      chains: [{ chain: 'bitcoin', network: 'regtest' }],
    });
  if (path === '/v1/balance/channels')
    return tell(response, 200, { local_balance: { sat: '0', msat: node.balanceMsat.toString() } });
  if (path === '/v1/payments')
    return tell(response, 200, { payments: [...node.payments.values()].map(paymentOf) });
  if (path === '/v1/invoices') {
    const { text } = node.invoice(BigInt(String(body['value_msat'])), String(body['memo']));
    return tell(response, 200, { payment_request: text });
  }
  if (path === '/v2/router/send') {
    const paid = await node.pay(String(body['payment_request']), BigInt(String(body['fee_limit_msat'])));
    if (paid.kind === 'silent') return;
    if (paid.kind === 'failed')
      return tell(response, 200, { result: { status: 'FAILED', failure_reason: 'FAILURE_REASON_NO_ROUTE' } });
    const { preimage, feeMsat } = paid;
    return tell(response, 200, {
      result: { status: 'SUCCEEDED', payment_preimage: preimage, fee_msat: feeMsat.toString() },
    });
  }
  const hash = Buffer.from(path.split('/').at(-1) ?? '', 'base64url').toString('hex');
  const row = path.startsWith('/v2/router/track/') ? node.payments.get(hash) : undefined;
  if (row === undefined)
    return tell(response, 404, { error: { code: 5, message: "payment isn't initiated" } });
  return tell(response, 200, { result: paymentOf(row) });
}

function paymentOf(row: BookedPayment): object {
  return {
    ...{ payment_hash: row.paymentHash, status: STATES[row.state], value_msat: row.amountMsat.toString() },
    ...{ fee_msat: row.feeMsat.toString(), payment_preimage: row.preimage ?? '00'.repeat(32) },
    creation_time_ns: (BigInt(row.createdSec) * 1_000_000_000n).toString(),
    failure_reason: row.state === 'failed' ? 'FAILURE_REASON_NO_ROUTE' : 'FAILURE_REASON_NONE',
  };
}

function tell(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
