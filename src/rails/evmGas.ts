import type { GasTerms } from '../chain/evm/evmChain.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import type { Withdrawal } from '../ledger/attempts/withdrawal.js';
import { findAsset, type EvmAsset } from '../money/asset.js';
import { formatUnits } from '../money/decimal.js';
import { GAS_COIN_DECIMALS, gasCoinOf } from '../money/gasCoin.js';
import { findNetwork, type Caip2, type EvmNetwork } from '../money/network.js';
import { RELAY_GAS_MAX } from '../payment/intent.js';
import type { RailPorts } from './ports.js';
import type { Submission, Transfer, WithdrawalMethod } from './withdrawal.js';

/** A plain transfer's estimate may be short by a storage slot that others empty meanwhile. */
const ESTIMATE_PERCENT = 125n;
/** The price of gas may rise for some blocks before the transaction is mined; what is not used is not paid. */
const PRICE_FACTOR = 2n;

/** What a transaction of the owner's own takes beside its call. */
export interface GasPlan {
  readonly terms: GasTerms;
  readonly gas: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  readonly costWeiMax: bigint;
}

/** Whether the address can pay the gas of moving a transfer itself, or one sentence on why not. Never throws for a fault of an RPC. */
export async function ownGasMethod(
  ports: RailPorts,
  transfer: Transfer,
  callGas: bigint,
  signal: AbortSignal,
): Promise<WithdrawalMethod | string> {
  const { network, from } = transfer;
  const coin = gasCoinOf(network.caip2);
  try {
    const plan = await planGas(ports, transfer, callGas, signal);
    const feeText = `${formatUnits(plan.costWeiMax, GAS_COIN_DECIMALS)} ${coin}`;
    if (plan.terms.balanceWei >= plan.costWeiMax) return { kind: 'own_gas', feeText };
    const missing = formatUnits(plan.costWeiMax - plan.terms.balanceWei, GAS_COIN_DECIMALS);
    return `To pay gas itself the address lacks ${missing} ${coin}: send that on ${network.label} to ${from}.`;
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return `Gas on ${network.label} cannot be reckoned: ${error.shortMessage}`;
  }
}

/** Reckons the gas of a transfer, with what its call takes beside a plain one. Throws `rpc_unavailable`. */
export async function planGas(
  ports: RailPorts,
  { network, asset, from, to, amountAtomic }: Transfer,
  callGas: bigint,
  signal: AbortSignal,
): Promise<GasPlan> {
  if (network.family !== 'evm' || asset.family !== 'evm')
    throw new WalletError('internal', 'Gas was to be reckoned on a network that has none.');
  const chain = ports.chain(network);
  const parties = { from: from as `0x${string}`, to: to as `0x${string}` };
  const [terms, estimate] = await Promise.all([
    chain.gasTerms(parties.from, signal),
    chain.estimateTransfer({ asset, ...parties, amountAtomic }, signal),
  ]);
  const wanted = (estimate * ESTIMATE_PERCENT) / 100n + callGas;
  const gas = wanted < RELAY_GAS_MAX ? wanted : RELAY_GAS_MAX;
  const maxFeePerGasWei = terms.gasPriceWei * PRICE_FACTOR;
  const tip = terms.tipWei;
  const maxPriorityFeePerGasWei = tip < maxFeePerGasWei ? tip : maxFeePerGasWei;
  return { terms, gas, maxFeePerGasWei, maxPriorityFeePerGasWei, costWeiMax: gas * maxFeePerGasWei };
}

/** Sends a transaction that `sign` makes of a plan. An RPC that gives no answer may have passed it on all the same. */
export async function sendOwn(
  ports: RailPorts,
  row: Withdrawal,
  callGas: bigint,
  signal: AbortSignal,
  sign: (plan: GasPlan) => Promise<`0x${string}`>,
): Promise<Submission> {
  const { network, asset } = evmRows(row);
  const { payFrom: from, payTo: to, heldAtomic: amountAtomic } = row;
  try {
    const plan = await planGas(ports, { network, asset, from, to, amountAtomic }, callGas, signal);
    const tx = await ports.chain(network).send(await sign(plan), signal);
    return { kind: 'taken', tx, message: `The transaction ${tx} was sent.` };
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return { kind: 'silent', message: error.shortMessage };
  }
}

/** Network and asset of a withdrawal, as rows of the tables. */
export function evmRows(row: Withdrawal): { network: EvmNetwork; asset: EvmAsset } {
  const network = findNetwork(row.network);
  const asset = findAsset(row.network as Caip2, row.asset);
  if (network?.family === 'evm' && asset?.family === 'evm') return { network, asset };
  throw new WalletError('internal', 'A withdrawal is in an asset the table lost.');
}
