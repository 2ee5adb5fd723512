import { randomBytes } from 'node:crypto';
import type { GasTerms } from '../../chain/evm/evmChain.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import { assetsOf, findAsset, type EvmAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { GAS_COIN_DECIMALS, gasCoinOf } from '../../money/gasCoin.js';
import { RELAY_GAS_MAX, type TransferIntent } from '../../payment/intent.js';
import { findNetwork, type Caip2, type EvmNetwork, type Network } from '../../money/network.js';
import { readAddress } from '../../money/address.js';
import { toExactEvmPayload } from '../../protocols/x402/authorization.js';
import type { ExactEvmPayload } from '../../protocols/x402/types.js';
import type { RailPorts } from '../ports.js';
import { x402ExactEvm } from './rail.js';
import { facilitatorWay, settleThrough } from '../facilitator.js';
import type {
  Submission,
  WithdrawalRail,
  Transfer,
  WithdrawalMethod,
  WithdrawalMethods,
} from '../withdrawal.js';

/** Long enough for any facilitator or a full block; what hangs is free again soon after. */
const WINDOW_SEC = 300;
const NONCE_BYTES = 32;
const ZERO = /^0x0{40}$/;

/** What `transferWithAuthorization` uses beside a plain transfer: a signature to recover, a nonce to store. */
const AUTHORIZATION_GAS = 80_000n;
/** A plain transfer's estimate may be short by a storage slot that others empty meanwhile. */
const ESTIMATE_PERCENT = 125n;
/** The price of gas may rise for some blocks before the transaction is mined; what is not used is not paid. */
const PRICE_FACTOR = 2n;

interface GasPlan {
  readonly terms: GasTerms;
  readonly gas: bigint;
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
  readonly costWeiMax: bigint;
}

/** EIP-3009: one signature that a facilitator may settle, or the address itself, whichever comes first; never both. */
export const evmWithdrawal: WithdrawalRail = {
  readAddress,
  refuseRecipient: async (_ports, { network, to }) => Promise.resolve(refusalOf(network, to)),
  methodsFor: findMethods,
  // One signature serves either way.
  methodsLeft: (ports, _row, transfer, signal) => findMethods(ports, transfer, signal),
  draft: async (ports) =>
    Promise.resolve({
      columns: {
        scheme: 'eip3009',
        nonce: `0x${randomBytes(NONCE_BYTES).toString('hex')}`,
        validAfterSec: 0,
        validBeforeSec: Math.floor(ports.nowMs() / 1000) + WINDOW_SEC,
      },
      async sign(row) {
        const intent = intentOf(row);
        const signature = await ports.keys.signTransfer(intent, ports.agentIndex, ports.nowMs());
        return { name: 'withdrawal', value: JSON.stringify(toExactEvmPayload(intent, signature)) };
      },
    }),
  settlementQuery: x402ExactEvm.settlementQuery,
  async submit(ports, row, way, signal) {
    const payload = payloadOf(row);
    if (way.kind === 'own_gas') return sendOurselves(ports, row, payload, signal);
    const maxTimeoutSeconds = Math.max(1, row.validBeforeSec - Math.floor(ports.nowMs() / 1000));
    const { network, asset } = tableRows(row);
    const { payTo, heldAtomic } = row;
    const terms = { network, asset, payTo, amountAtomic: heldAtomic, payload };
    return settleThrough(ports, way, { ...terms, maxTimeoutSeconds, feePayer: null }, signal);
  },
};

function refusalOf({ caip2 }: Network, to: string): string | null {
  if (ZERO.test(to)) return 'is the zero address, from which nothing comes back';
  const isToken = assetsOf(caip2).some(({ address }) => address.toLowerCase() === to.toLowerCase());
  return isToken ? 'is the contract of a token, from which nothing comes back' : null;
}

async function findMethods(
  ports: RailPorts,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<WithdrawalMethods> {
  const [relay, own] = await Promise.all([
    facilitatorWay(ports, transfer.network, signal),
    ownGasMethod(ports, transfer, signal),
  ]);
  const found = [relay, own];
  return {
    methods: found.flatMap((way) => (typeof way === 'string' ? [] : [way])),
    reasons: found.filter((way) => typeof way === 'string'),
  };
}

async function ownGasMethod(
  ports: RailPorts,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<WithdrawalMethod | string> {
  const { network, from } = transfer;
  const coin = gasCoinOf(network.caip2);
  try {
    const plan = await planGas(ports, transfer, signal);
    const feeText = `${formatUnits(plan.costWeiMax, GAS_COIN_DECIMALS)} ${coin}`;
    if (plan.terms.balanceWei >= plan.costWeiMax) return { kind: 'own_gas', feeText };
    const missing = formatUnits(plan.costWeiMax - plan.terms.balanceWei, GAS_COIN_DECIMALS);
    return `To pay gas itself the address lacks ${missing} ${coin}: send that on ${network.label} to ${from}.`;
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return `Gas on ${network.label} cannot be reckoned: ${error.shortMessage}`;
  }
}

async function planGas(
  ports: RailPorts,
  { network, asset, from, to, amountAtomic }: Transfer,
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
  const wanted = (estimate * ESTIMATE_PERCENT) / 100n + AUTHORIZATION_GAS;
  const gas = wanted < RELAY_GAS_MAX ? wanted : RELAY_GAS_MAX;
  const maxFeePerGasWei = terms.gasPriceWei * PRICE_FACTOR;
  const tip = terms.tipWei;
  const maxPriorityFeePerGasWei = tip < maxFeePerGasWei ? tip : maxFeePerGasWei;
  return { terms, gas, maxFeePerGasWei, maxPriorityFeePerGasWei, costWeiMax: gas * maxFeePerGasWei };
}

async function sendOurselves(
  ports: RailPorts,
  row: Withdrawal,
  payload: ExactEvmPayload,
  signal: AbortSignal,
): Promise<Submission> {
  const intent = intentOf(row);
  const { network, asset } = tableRows(row);
  const { from, to, amountAtomic } = intent;
  try {
    const plan = await planGas(ports, { network, asset, from, to, amountAtomic }, signal);
    const bytes = await ports.keys.signRelay(
      {
        kind: 'eip3009_relay',
        transfer: intent,
        signature: payload.signature,
        accountNonce: plan.terms.accountNonce,
        gas: plan.gas,
        maxFeePerGasWei: plan.maxFeePerGasWei,
        maxPriorityFeePerGasWei: plan.maxPriorityFeePerGasWei,
      },
      ports.agentIndex,
      ports.nowMs(),
    );
    const tx = await ports.chain(network).send(bytes, signal);
    return { kind: 'taken', tx, message: `The transaction ${tx} was sent.` };
  } catch (error) {
    // An RPC that gives no answer may have passed the transaction on all the same.
    if (!isWalletError(error)) throw error;
    return { kind: 'silent', message: error.shortMessage };
  }
}

function intentOf(row: Withdrawal): TransferIntent {
  const { network, asset } = tableRows(row);
  return {
    kind: 'eip3009',
    asset,
    chainId: network.chainId,
    from: row.payFrom as `0x${string}`,
    to: row.payTo as `0x${string}`,
    amountAtomic: row.heldAtomic,
    validAfterSec: row.validAfterSec,
    validBeforeSec: row.validBeforeSec,
    nonce: row.nonce as `0x${string}`,
  };
}

/** The bytes as they were signed, from the ledger's own row. */
function payloadOf({ payload }: Withdrawal): ExactEvmPayload {
  if (payload === null)
    throw new WalletError('internal', 'A withdrawal was to be carried before it was signed.');
  return JSON.parse((JSON.parse(payload) as { value: string }).value) as ExactEvmPayload;
}

function tableRows(row: Withdrawal): { network: EvmNetwork; asset: EvmAsset } {
  const network = findNetwork(row.network);
  const asset = findAsset(row.network as Caip2, row.asset);
  if (network?.family === 'evm' && asset?.family === 'evm') return { network, asset };
  throw new WalletError('internal', 'A withdrawal is in an asset the table lost.');
}
