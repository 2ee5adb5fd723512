import { randomBytes } from 'node:crypto';
import { WalletError } from '../errors/walletError.js';
import type { Withdrawal } from '../ledger/attempts/withdrawal.js';
import { assetsOf } from '../money/asset.js';
import type { Network } from '../money/network.js';
import type { RailPorts } from './ports.js';
import type { Draft } from './withdrawal.js';

// What withdrawals have in common whose money one signature of an own address moves.

const NONCE_BYTES = 32;
const ZERO = /^0x0{40}$/;

/** What stands in the row of a new one: nothing moves by it once `windowSec` are over. */
export function newTransfer(
  ports: Pick<RailPorts, 'nowMs'>,
  scheme: Draft['scheme'],
  windowSec: number,
): Draft {
  return {
    scheme,
    nonce: `0x${randomBytes(NONCE_BYTES).toString('hex')}`,
    validAfterSec: 0,
    validBeforeSec: Math.floor(ports.nowMs() / 1000) + windowSec,
  };
}

/** What of a row is signed, whatever the scheme. */
export function transferIn(row: Withdrawal) {
  return {
    from: row.payFrom as `0x${string}`,
    to: row.payTo as `0x${string}`,
    validAfterSec: row.validAfterSec,
    validBeforeSec: row.validBeforeSec,
    nonce: row.nonce as `0x${string}`,
  };
}

/** What was signed, as the ledger's own row has it. */
export function signedIn({ payload }: Withdrawal): string {
  if (payload === null)
    throw new WalletError('internal', 'A withdrawal was to be carried before it was signed.');
  return (JSON.parse(payload) as { readonly value: string }).value;
}

/** Why nothing is sent to an address, as a clause that follows its name; null for any other. */
export function refuseRecipient({ caip2 }: Network, to: string): string | null {
  if (ZERO.test(to)) return 'is the zero address, from which nothing comes back';
  const isToken = assetsOf(caip2).some(({ address }) => address.toLowerCase() === to.toLowerCase());
  return isToken ? 'is the contract of a token, from which nothing comes back' : null;
}
