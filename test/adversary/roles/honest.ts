import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { encodeHeader } from '../../../sandbox/shop/order.ts';
import {
  askV1,
  askV2,
  CENT,
  GOODS,
  noteAsked,
  offerOf,
  offerOfV1,
  receiptHeaders,
  receiptOf,
  sell,
  seller,
  sellerOf,
  sendJson,
  solanaOfferOf,
} from '../offer.ts';
import type { Wish } from '../gullibleAgent.ts';
import type { Control, Seen, Serve, Stall } from '../role.ts';

function honest(name: string, open: Control['open'], wish: Omit<Wish, 'url'> = {}): Control {
  return {
    threat: 'honest',
    name,
    atomic: CENT,
    open,
    visit: (agent, stall) => agent.visit({ url: stall.url('/weather?city=Lisbon'), ...wish }),
  };
}

/** A 402 of v2 whose header, or body, is written as some servers do. */
function written(write: (challenge: object) => { headers?: Record<string, string>; body?: string }) {
  return (stall: Stall): Serve =>
    seller(stall, (seen, response) => {
      const accepts = [offerOf(stall)];
      noteAsked(stall, seen, accepts);
      const challenge = {
        x402Version: 2,
        error: 'Payment required',
        resource: { url: seen.url.href },
        accepts,
      };
      const { headers = {}, body = '{}' } = write(challenge);
      response.writeHead(402, { 'content-type': 'application/json', ...headers }).end(body);
    });
}

/** Sells with an answer written by hand. */
function answering(
  answer: (seen: Seen, response: Parameters<Serve>[1], receipt: Record<string, string>) => void,
) {
  return (stall: Stall): Serve =>
    async (seen, response) => {
      if (seen.signed === undefined) return askV2(stall, seen, response, { accepts: [offerOf(stall)] });
      answer(seen, response, receiptHeaders(receiptOf(await stall.settle(seen.signed))));
    };
}

const base64 = (value: object, form: 'base64' | 'base64url'): string =>
  Buffer.from(JSON.stringify(value)).toString(form);

/** Honest shapes, seen in the wild or close to an attack; each must be paid its price, once. */
export const CONTROLS: readonly Control[] = [
  honest('x402 v2', (stall) => sellerOf(stall, offerOf(stall))),
  honest('x402 v1', (stall) =>
    seller(stall, (seen, response) => askV1(stall, seen, response, [offerOfV1(stall)])),
  ),
  honest(
    'v2 in the body alone',
    written((challenge) => ({ body: JSON.stringify(challenge) })),
  ),
  honest(
    'v2 in base64url, unpadded',
    written((challenge) => ({ headers: { 'payment-required': base64(challenge, 'base64url') } })),
  ),
  honest(
    'v2 as plain JSON in the header',
    written((challenge) => ({ headers: { 'payment-required': JSON.stringify(challenge) } })),
  ),
  honest('v1 with a CAIP-2 network', (stall) =>
    seller(stall, (seen, response) =>
      askV1(stall, seen, response, [offerOfV1(stall, { network: 'eip155:84532' })]),
    ),
  ),
  honest(
    'x402 beside MPP and L402',
    written((challenge) => ({
      headers: {
        'payment-required': encodeHeader(challenge),
        'www-authenticate':
          'Payment id="1", realm="r", method="tempo", intent="charge", request="e30", L402 macaroon="AA==", invoice="lnbc1"',
      },
    })),
  ),
  honest('a POST with a body', (stall) => sellerOf(stall, offerOf(stall)), {
    method: 'POST',
    body: { q: 1 },
  }),
  honest(
    'a key of the caller’s own',
    (stall) => {
      const serve = sellerOf(stall, offerOf(stall));
      return (seen, response) =>
        seen.headers['x-api-key'] === 'mine' ? serve(seen, response) : sendJson(response, 403, {});
    },
    { headers: { 'x-api-key': 'mine' } },
  ),
  honest(
    'a 308 within the origin, with a body',
    (stall) => {
      const serve = sellerOf(stall, offerOf(stall));
      return (seen, response) => {
        if (seen.path === '/weather') return void response.writeHead(308, { location: '/v2/weather' }).end();
        if (seen.body.includes('city')) return serve(seen, response);
        sendJson(response, 400, {});
      };
    },
    { method: 'POST', body: { city: 'Lisbon' } },
  ),
  honest('a redirect of a GET to the seller’s other origin', (stall) => {
    const serve = sellerOf(stall, offerOf(stall));
    const other = new URL(stall.other).host;
    return (seen, response) =>
      seen.host === other
        ? serve(seen, response)
        : void response.writeHead(302, { location: `${stall.other}/weather` }).end();
  }),
  honest('an offer on a network that is not enabled beside one that is', (stall) =>
    sellerOf(stall, offerOf(stall, { network: 'eip155:137' }), offerOf(stall)),
  ),
  honest('a relative resource', (stall) =>
    seller(stall, (seen, response) =>
      askV2(stall, seen, response, { accepts: [offerOf(stall)], resource: { url: '/weather' } }),
    ),
  ),
  honest('a payment identifier', (stall) =>
    seller(stall, (seen, response) =>
      askV2(stall, seen, response, {
        accepts: [offerOf(stall)],
        extensions: { 'payment-identifier': { info: { required: true }, schema: {} } },
      }),
    ),
  ),
  honest('a slow 402 and a slow answer', (stall) => {
    const serve = sellerOf(stall, offerOf(stall));
    return async (seen, response) => {
      await delay(300);
      await serve(seen, response);
    };
  }),
  honest(
    'a compressed answer',
    answering((_seen, response, receipt) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', ...receipt });
      response.end(gzipSync(JSON.stringify(GOODS)));
    }),
  ),
  honest(
    'a stream of events',
    answering((_seen, response, receipt) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...receipt });
      for (let n = 0; n < 20; n++) response.write(`data: ${JSON.stringify({ n, ...GOODS })}\n\n`);
      response.end('data: [DONE]\n\n');
    }),
  ),
  honest(
    'a large answer',
    answering((_seen, response, receipt) => {
      response.writeHead(200, { 'content-type': 'application/json', ...receipt });
      response.end(JSON.stringify(Array.from({ length: 5_000 }, () => GOODS)));
    }),
  ),
  honest('x402 v2 on Solana', (stall) => sellerOf(stall, solanaOfferOf(stall))),
  honest('x402 v1 on Solana', (stall) =>
    seller(stall, (seen, response) => {
      const { payTo, asset, extra } = solanaOfferOf(stall);
      const own = { network: 'solana-devnet', payTo, asset, extra };
      askV1(stall, seen, response, [offerOfV1(stall, own)]);
    }),
  ),
  honest('an offer on each chain, and a memo of the seller’s own', (stall) =>
    sellerOf(
      stall,
      solanaOfferOf(stall, { extra: { feePayer: stall.feePayer, memo: 'invoice 7' } }),
      offerOf(stall),
    ),
  ),
  honest('a seller whose price falls', (stall) => {
    let asked = 0;
    return (seen, response) =>
      seen.signed === undefined
        ? askV2(stall, seen, response, {
            accepts: [offerOf(stall, { amount: asked++ === 0 ? '10000' : '9000' })],
          })
        : sell(stall, seen.signed, response);
  }),
  {
    ...honest('an endpoint that asks for nothing', () => (_seen, response) => sendJson(response, 200, GOODS)),
    atomic: 0n,
  },
];
