import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { Prepaid } from '../../rails/rail.js';
import type { SignedRequest } from '../call/paidCall.js';
import type { Engine } from '../engine.js';
import { remember } from './entitlement.js';
import { endpointText } from './issued.js';

/** A look into a wallet's books. */
const PROOF_MS_MAX = 10_000;

/** A token that is good for more than one call is used before anything new is paid, where it was bought and below that. */
export async function rememberToken(
  engine: Engine,
  { payment, target }: Pick<SignedRequest, 'payment' | 'target'>,
  { credential, lastsUntilMs }: Extract<Prepaid, { kind: 'paid' }>,
): Promise<void> {
  if (lastsUntilMs === undefined) return;
  const { url, method } = target;
  await remember(engine, {
    ...{ kind: 'l402_token', origin: url.origin, path: url.pathname, subject: '' },
    ...{ valueLeft: null, unit: null, expiresMs: lastsUntilMs, paymentId: payment.id },
    facts: { sold_at: endpointText(method, url) },
    headers: [[credential.name.toLowerCase(), credential.value]],
  });
}

/**
 * The request of a payment that was made and brought nothing, with its proof once more: that costs nothing. Null where its rail
 * has no proof, or the wallet does not show it now.
 */
export async function proofAgain(engine: Engine, payment: Payment): Promise<SignedRequest | null> {
  const rail = engine.rails.ofPayment(payment)?.prepaid;
  if (rail === undefined || payment.payload === null || payment.state !== 'captured') return null;
  const payload = JSON.parse(payment.payload) as SignedPayload;
  const ports = await engine.railPorts(await engine.config());
  const proof = await rail.proveAgain(ports, payment, payload, AbortSignal.timeout(PROOF_MS_MAX));
  if (proof.kind !== 'paid') return null;
  const target = { url: new URL(payment.url), method: payment.method };
  await rememberToken(engine, { payment, target }, proof);
  return { payment, payload: proof.credential, target, moneyMoved: true };
}
