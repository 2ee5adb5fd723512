import { setImmediate } from 'node:timers/promises';
import { prepareAs, scratchLedger } from '../ledger/stores.js';
import { assetsOf } from '../money/asset.js';
import type { EvmNetwork } from '../money/network.js';
import { writeJsonHeader } from '../protocols/x402/header.js';
import { networksOf } from './agentAddress.js';
import { judgeBeforePrice } from './call/ownerRules.js';
import { parseRequest, type CallRequest } from './call/request.js';
import { looksOf, selectFrom, warmFunds } from './call/selection.js';
import { DEFAULT_AGENT, type Engine } from './engine.js';
import { parseInput, payInput } from './input.js';
import type { Purchase } from './purchase/hold.js';

/** Nobody has this name (RFC 6761), and nothing is sent there. */
const PLACE = 'https://rehearsal.invalid/price';
/** No public network has the name, so that a call of it is refused but where it is allowed. */
const ALLOWED = ['rehearsal.invalid:443'];
/** A payee that is nobody's. */
const PAYEE = `0x${'42'.repeat(20)}`;

/**
 * Goes through what a first payment does, so that its program is loaded, compiled and has run once: nothing is written to the
 * wallet's ledger, signed with its keys or sent to a seller, for a ledger in memory and a key of nobody's stand in their place.
 * And asks the operators of the wallet's networks what any first call asks them. Gives whether it came to a payment's end: it does
 * not where no network of the EVM is in use, or no payment may be made. Throws for a fault of the config or the ledger.
 */
export async function rehearse(engine: Engine): Promise<boolean> {
  const config = await engine.config();
  await warmFunds(engine, config);
  const network = networksOf(config, engine.keys).find(({ family }) => family === 'evm') as
    EvmNetwork | undefined;
  const [asset] = network === undefined ? [] : assetsOf(network.caip2);
  if (network === undefined || asset === undefined) return false;
  await engine.keys.warmSigner(await engine.agentIndex());
  const nowMs = engine.now();
  const { url } = parseInput(payInput, { url: PLACE, max_usd: '0.01' });
  const request = parseRequest({ url: url ?? PLACE }, engine, ALLOWED);
  const place = { agent: engine.agent, sessionId: 'none', url: request.target.url };
  await engine.ledger.findLive(request.hash, request.hashBeforeSchema3);
  await engine.ledger.findCaptured(request.hash, nowMs, request.hashBeforeSchema3);
  await judgeBeforePrice(engine.ledger, config, { ...place, nowMs });
  const accepts = [
    {
      ...{ scheme: 'exact', network: network.caip2, amount: '1', asset: asset.address, payTo: PAYEE },
      ...{ maxTimeoutSeconds: 60, extra: asset.family === 'evm' ? (asset.eip712 ?? {}) : {} },
    },
  ];
  const challenge = writeJsonHeader({ x402Version: 2, resource: { url: PLACE }, accepts });
  const { rehearseExchange } = await import('../net/connection/rehearsal.js');
  await rehearseExchange(new URL(PLACE).origin, [['payment-required', challenge]]);
  const demand = engine.rails.parse({
    ...{ status: 402, headers: [['payment-required', challenge]], bodyText: '{}', requestUrl: PLACE },
  });
  if (demand === null) return false;
  const { canPayOn, prepare } = looksOf(engine, config, nowMs);
  const target = { url: request.target.url, method: request.method };
  const { selection, intent, limits } = await selectFrom(
    {
      ...{ ledger: engine.ledger, rails: engine.rails, config, agent: engine.agent, sessionId: 'none' },
      ...{ maxUsdMicros: undefined, target, demand },
      ...{ isApproved: false, looksAtTotals: false, nowMs },
    },
    { canPayOn, prepare },
  );
  if (selection.decision !== 'pay' || intent?.kind !== 'eip3009') return false;
  const { rehearseTransfer } = await import('../keys/signer/rehearsal.js');
  // A call that came meanwhile goes first.
  await setImmediate();
  await rehearseTransfer(intent, nowMs);
  await setImmediate();
  return rehearseLife(engine, { offer: selection.offer, intent, limits }, request);
}

/** Takes a payment through its life in a ledger that nothing is left of: the wallet's own has no word of it. */
async function rehearseLife(
  engine: Engine,
  { offer, intent, limits }: Purchase,
  { hash: requestHash, target: { url } }: CallRequest,
): Promise<boolean> {
  const nowMs = engine.now();
  const ledger = scratchLedger(nowMs);
  try {
    const { id: sessionId } = await ledger.touchSession(DEFAULT_AGENT, nowMs);
    const { capLines, rateLines } = limits;
    const hold = await ledger.openHold({
      ...{ agent: DEFAULT_AGENT, sessionId, requestHash, idempotencyKey: null, method: 'GET' },
      ...{ url: url.href, origin: url.origin, host: url.hostname, category: null },
      ...{ protocol: offer.protocol, scheme: offer.scheme, network: offer.network.caip2 },
      ...{ asset: offer.asset.address, payFrom: intent.from, payTo: offer.payTo, nonce: intent.nonce },
      ...{ heldAtomic: offer.amountAtomic, heldUsdMicros: offer.usdMicros },
      ...{ validAfterSec: intent.validAfterSec, validBeforeSec: intent.validBeforeSec },
      ...{ configVersion: 1, reason: null, quoteId: null, capLines, rateLines, nowMs },
    });
    if (hold.kind !== 'held') return false;
    const { id, heldAtomic, heldUsdMicros } = hold.payment;
    await ledger.signAndSend(id, { name: 'rehearsal', value: '' }, { configVersion: 1, capLines, nowMs });
    const facts = {
      ...{ capturedAtomic: heldAtomic, capturedUsdMicros: heldUsdMicros, tx: null, receipt: null },
      ...{ confirmed: false, chainMs: null, delivery: 'delivered' as const },
    };
    const answer = {
      ...{ paymentId: id, agent: DEFAULT_AGENT, status: 200, headers: [], body: new Uint8Array() },
      ...{ storedId: null, bytes: 0, truncated: false, storedMs: nowMs },
    };
    const captured = ledger.capture(id, facts, nowMs);
    await Promise.all([captured, ledger.saveAnswer(answer, 'delivered')]);
    await ledger.endLease(id);
    prepareAs(engine.ledger, ledger);
    return (await captured).kind === 'done';
  } finally {
    await ledger.close();
  }
}
