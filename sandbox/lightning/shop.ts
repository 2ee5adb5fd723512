import { createHash, randomBytes } from 'node:crypto';
import { listenLocal, type LocalServer } from '../localServer.ts';
import type { LightningNode } from './node.ts';

/** A shop that is paid by Lightning. */
export interface LightningShop extends LocalServer {
  /** The node that signs its invoices. */
  readonly payee: string;
  /** Credentials that came, oldest first. */
  readonly credentials: string[];
  /** Challenges that were given, with their payment hash. */
  readonly challenges: { readonly path: string; readonly paymentHash: string; readonly invoice: string }[];
  /** Pages that were given for a payment. */
  served: number;
  /** How the next challenges are changed on their way, such as by a swapped invoice. */
  rewrite: ((header: string) => string) | null;
  /** Whether it takes no proof, and asks for payment again. */
  isInsatiable: boolean;
  /** How many of the next paid requests are broken off without an answer. */
  dropped: number;
}

/**
 * Starts it: `/l402/SAT/…` asks for L402, whose token is good for every page below its path from then on; `/mpp/SAT/…` asks by
 * MPP for one call. Its invoices are the node's own, and it looks at nothing but the proof, as servers do.
 */
export async function startLightningShop(node: LightningNode): Promise<LightningShop> {
  /** By the token, what hash it needs, and for which path. */
  const tokens = new Map<string, { readonly paymentHash: string; readonly path: string }>();
  const ids = new Map<string, { readonly paymentHash: string; isUsed: boolean }>();
  const shop: Omit<LightningShop, keyof LocalServer> = {
    ...{
      payee: node.id,
      credentials: [],
      challenges: [],
      served: 0,
      rewrite: null,
      dropped: 0,
      isInsatiable: false,
    },
  };
  const server = await listenLocal((request, response) => {
    const url = new URL(request.url ?? '/', 'http://shop.invalid');
    const [, kind, sats = '0'] = url.pathname.split('/');
    const credential = request.headers.authorization ?? '';
    if (credential !== '') shop.credentials.push(credential);
    if (!shop.isInsatiable && isPaid(credential, url.pathname)) {
      if (shop.dropped > 0) {
        shop.dropped -= 1;
        request.socket.destroy();
        return;
      }
      shop.served += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ page: url.pathname }));
      return;
    }
    const { text, paymentHash } = node.invoice(BigInt(sats) * 1_000n, `page ${url.pathname}`);
    shop.challenges.push({ path: url.pathname, paymentHash, invoice: text });
    const header =
      kind === 'mpp' ? mppChallenge(sats, text, paymentHash) : l402Challenge(url.pathname, text, paymentHash);
    response.writeHead(402, { 'www-authenticate': shop.rewrite?.(header) ?? header });
    response.end('payment required');
  });

  function isPaid(credential: string, path: string): boolean {
    const [scheme, value = ''] = credential.split(' ');
    if (scheme === 'L402') {
      const [token = '', preimage = ''] = value.split(':');
      const known = tokens.get(token);
      return known !== undefined && path.startsWith(known.path) && hashOf(preimage) === known.paymentHash;
    }
    if (scheme !== 'Payment') return false;
    const { challenge, payload } = JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as {
      challenge: { id: string };
      payload: { preimage: string };
    };
    const known = ids.get(challenge.id);
    if (known === undefined || known.isUsed || hashOf(payload.preimage) !== known.paymentHash) return false;
    if (shop.dropped === 0) known.isUsed = true;
    return true;
  }

  function l402Challenge(path: string, invoice: string, paymentHash: string): string {
    const token = randomBytes(48).toString('base64');
    tokens.set(token, { paymentHash, path });
    return `L402 version="0", token="${token}", invoice="${invoice}"`;
  }

  function mppChallenge(sats: string, invoice: string, paymentHash: string): string {
    const id = randomBytes(12).toString('hex');
    ids.set(id, { paymentHash, isUsed: false });
    const methodDetails = { invoice, paymentHash, network: 'regtest' };
    const request = Buffer.from(JSON.stringify({ amount: sats, currency: 'sat', methodDetails })).toString(
      'base64url',
    );
    return `Payment id="${id}", realm="shop", method="lightning", intent="charge", request="${request}"`;
  }

  return Object.assign(shop, server);
}

function hashOf(preimage: string): string {
  return createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
}
