import { findAsset } from '../../../src/money/asset.js';
import { findNetwork } from '../../../src/money/network.js';
import { settleBody } from '../../../src/protocols/x402/facilitator.js';
import { listenLocal, type LocalServer } from '../../../sandbox/localServer.ts';
import type { Sandbox } from '../../../sandbox/world.ts';

const NETWORK = 'eip155:84532';
const UNITS = '20000';

/** The token as the rail writes it. */
interface Token {
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly units: string;
  readonly validAfterSec: number;
  readonly validBeforeSec: number;
  readonly nonce: `0x${string}`;
  readonly signature: `0x${string}`;
}

/** A shop behind a tollgate; it settles on the sandbox's chain, and loses its answer at `/lost`. */
export async function startTollShop({ facilitator, chain, shop }: Sandbox): Promise<LocalServer> {
  const asset = findAsset(NETWORK, '0x036CbD53842c5426634e7929541eC2318f3dCF7e');
  const network = findNetwork(NETWORK);
  if (asset?.family !== 'evm' || network === undefined) throw new Error('the table lost a row');
  const settle = async (token: Token): Promise<string> => {
    const { from, to, units, validAfterSec, validBeforeSec, nonce, signature } = token;
    const authorization = {
      ...{ from, to, value: units, nonce },
      validAfter: String(validAfterSec),
      validBefore: String(validBeforeSec),
    };
    const body = settleBody(2, {
      ...{ network, asset, payTo: to, amountAtomic: BigInt(units), maxTimeoutSeconds: 60, feePayer: null },
      payload: { signature, authorization },
    });
    const response = await fetch(`${facilitator.url}/settle`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const settled = (await response.json()) as { transaction?: string; errorReason?: string };
    if (!settled.transaction) throw new Error(`not settled: ${settled.errorReason ?? response.status}`);
    return settled.transaction;
  };
  return listenLocal((request, response) => {
    const answer = async (): Promise<void> => {
      // A seller's clock is a witness, so this one goes with the chain's.
      response.setHeader('date', new Date((await chain.nowSec()) * 1000).toUTCString());
      const token = request.headers['payment-authorization'];
      if (typeof token !== 'string') {
        const toll = { network: NETWORK, units: UNITS, to: shop.payTo };
        response.writeHead(402, { toll: JSON.stringify(toll) }).end();
        return;
      }
      const transaction = await settle(JSON.parse(token) as Token);
      if (request.url?.startsWith('/lost') === true) request.socket.destroy();
      else response.writeHead(200, { 'toll-receipt': transaction }).end('{"gate":"open"}');
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}
