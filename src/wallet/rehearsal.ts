import { assetsOf } from '../money/asset.js';
import type { EvmNetwork } from '../money/network.js';
import { writeJsonHeader } from '../protocols/x402/header.js';
import { networksOf } from './agentAddress.js';
import { judgeBeforePrice } from './call/ownerRules.js';
import { parseRequest } from './call/request.js';
import { looksOf, selectFrom, warmFunds } from './call/selection.js';
import type { Engine } from './engine.js';
import { parseInput, payInput } from './input.js';

/** Nobody has this name (RFC 6761), and nothing is sent there. */
const PLACE = 'https://rehearsal.invalid/price';
/** A payee that is nobody's. */
const PAYEE = `0x${'42'.repeat(20)}`;

/**
 * Goes through what a first payment does, up to where something would be written, signed or sent to a seller, so that its
 * program is loaded, compiled and has run once; and asks the operators of the wallet's networks what any first call asks
 * them. Throws for a fault of the config or the ledger.
 */
export async function rehearse(engine: Engine): Promise<void> {
  const config = await engine.config();
  await warmFunds(engine, config);
  const network = networksOf(config, engine.keys).find(({ family }) => family === 'evm') as
    EvmNetwork | undefined;
  const [asset] = network === undefined ? [] : assetsOf(network.caip2);
  if (network === undefined || asset === undefined) return;
  await engine.keys.warmSigner(await engine.agentIndex());
  const nowMs = engine.now();
  const { url } = parseInput(payInput, { url: PLACE, max_usd: '0.01' });
  const request = parseRequest({ url: url ?? PLACE }, engine, []);
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
  const demand = engine.rails.parse({
    ...{ status: 402, headers: [['payment-required', challenge]], bodyText: '{}', requestUrl: PLACE },
  });
  if (demand === null) return;
  const { canPayOn, prepare } = looksOf(engine, config, nowMs);
  await selectFrom(
    {
      ...{ ledger: engine.ledger, rails: engine.rails, config, agent: engine.agent, sessionId: 'none' },
      ...{ maxUsdMicros: undefined, target: { url: request.target.url, method: request.method }, demand },
      ...{ isApproved: false, looksAtTotals: false, nowMs },
    },
    { canPayOn, prepare },
  );
}
