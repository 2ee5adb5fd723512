import { randomBytes } from 'node:crypto';
import { openedWallMs } from '../../ledger/payment.js';
import { findAsset } from '../../money/asset.js';
import type { TransferIntent } from '../../payment/intent.js';
import type { Caip2 } from '../../money/network.js';
import { buildTransferIntent, toExactEvmPayload } from '../../protocols/x402/authorization.js';
import type { EvmOffer } from '../../protocols/x402/types.js';
import type { ExactScheme } from './exactScheme.js';

const NONCE_BYTES = 32;

/** Scheme `exact` by EIP-3009: a signed authorization that the seller settles. */
export const exactEvm: ExactScheme<EvmOffer, TransferIntent> = {
  async prepare(engine, _config, offer, nowMs) {
    const nonce = `0x${randomBytes(NONCE_BYTES).toString('hex')}` as const;
    return buildTransferIntent({ offer, from: await engine.address(), nonce, nowMs });
  },

  async sign(engine, intent) {
    const signature = await engine.keys.signTransfer(intent, engine.agentIndex, engine.now());
    return { payload: toExactEvmPayload(intent, signature) };
  },

  async fateQuery(payment) {
    const asset = findAsset(payment.network as Caip2, payment.asset);
    if (asset?.family !== 'evm') return null;
    return {
      asset,
      from: payment.payFrom as `0x${string}`,
      to: payment.payTo as `0x${string}`,
      amountAtomic: payment.heldAtomic,
      nonce: payment.nonce as `0x${string}`,
      validBeforeSec: payment.validBeforeSec,
      openedSec: Math.floor(openedWallMs(payment) / 1000),
    };
  },
};
