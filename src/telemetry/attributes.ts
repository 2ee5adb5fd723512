import type { Attributes } from '@opentelemetry/api';
import type { Payment } from '../ledger/attempts/payment.js';
import type { AnyAttempt } from '../ledger/attempts/withdrawal.js';
import { findAsset } from '../money/asset.js';
import type { Caip2 } from '../money/network.js';
import type { Outcome } from '../wallet/answer/outcome.js';

/** Longer than any name of a host, and than all else that is told. */
export const VALUE_LENGTH_MAX = 256;

/**
 * What is told of an attempt: names and numbers of ours, and of its seller the host alone. A URL may hold a secret in its path or
 * its query, and so may each header, body, reason and label: none of them is here (T21). Amounts are integers as text.
 */
export function ofAttempt(attempt: AnyAttempt): Attributes {
  const { id, kind, agent, network, asset, state, heldAtomic, heldUsdMicros, capturedAtomic } = attempt;
  return {
    'purser.agent': agent,
    'purser.payment.id': id,
    'purser.payment.kind': kind,
    'purser.payment.state': state,
    'purser.payment.network': network,
    'purser.payment.asset': findAsset(network as Caip2, asset)?.symbol ?? 'other',
    'purser.payment.amount_atomic': (capturedAtomic ?? heldAtomic).toString(),
    'purser.payment.amount_usd_micros': (attempt.capturedUsdMicros ?? heldUsdMicros).toString(),
    ...(attempt.kind === 'payment' ? ofSeller(attempt) : {}),
  };
}

function ofSeller({ host, protocol, scheme }: Payment): Attributes {
  return { 'server.address': host, 'purser.payment.rail': `${protocol}.${scheme}` };
}

/** What is told of how a call ended. */
export function ofOutcome({ status, code, money, payment, ...rest }: Outcome): Attributes {
  return {
    'purser.status': status,
    'purser.code': code,
    'purser.money': money,
    ...(rest['replayed'] === true ? { 'purser.replayed': true } : {}),
    // By now it may be further than the ledger's row was when the trace heard of it.
    ...(payment === null ? {} : { 'purser.payment.id': payment.id, 'purser.payment.state': payment.state }),
  };
}
