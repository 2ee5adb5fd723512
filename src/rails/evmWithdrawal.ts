import { WalletError } from '../errors/walletError.js';
import { readAddress } from '../money/address.js';
import { findAsset, isSigned, type Asset } from '../money/asset.js';
import type { Caip2 } from '../money/network.js';
import { refuseRecipient } from './ownTransfer.js';
import type { EvmWithdrawal, WithdrawalRail } from './withdrawal.js';
import { eip3009Withdrawal } from './x402ExactEvm/withdrawal.js';
import { permit2Withdrawal } from './x402Permit2/withdrawal.js';

/** Each token leaves as it is paid with: by its holder's own signature where it takes one, else through Permit2. */
export const evmWithdrawal: WithdrawalRail = {
  readAddress,
  refuseRecipient: async (_ports, { network, to }) => Promise.resolve(refuseRecipient(network, to)),
  methodsFor: (ports, transfer, signal) => wayOf(transfer.asset).methodsFor(ports, transfer, signal),
  methodsLeft: (ports, row, transfer, signal) =>
    wayOf(transfer.asset).methodsLeft(ports, row, transfer, signal),
  draft: (ports, transfer, signal) => wayOf(transfer.asset).draft(ports, transfer, signal),
  async settlementQuery(row) {
    const asset = findAsset(row.network as Caip2, row.asset);
    return asset === undefined ? null : wayOf(asset).settlementQuery(row);
  },
  submit: (ports, row, way, signal) =>
    wayOf(findAsset(row.network as Caip2, row.asset)).submit(ports, row, way, signal),
};

function wayOf(asset: Asset | undefined): EvmWithdrawal {
  if (asset?.family !== 'evm')
    throw new WalletError('internal', 'A withdrawal is in an asset that is none of the EVM.');
  return isSigned(asset) ? eip3009Withdrawal : permit2Withdrawal;
}
