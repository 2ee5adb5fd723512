import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import { formatUnits } from '../../money/decimal.js';
import { PERMIT2 } from '../../money/permit2.js';
import type { Permit2WithdrawalIntent } from '../../payment/intent.js';
import { eip3009Query } from '../eip3009.js';
import { evmRows, ownGasMethod, sendOwn } from '../evmGas.js';
import { newTransfer, signedIn, transferIn } from '../ownTransfer.js';
import type { RailPorts } from '../ports.js';
import type { EvmWithdrawal, Transfer, WithdrawalMethods } from '../withdrawal.js';

/** Long enough for a full block; what hangs is free again soon after. */
const WINDOW_SEC = 300;

/** What `permitTransferFrom` uses beside a plain transfer: a signature to recover, a nonce and an allowance to store. */
const PERMIT2_GAS = 90_000n;

/**
 * Money in a token that knows no EIP-3009 leaves through Permit2, as payments in it do: by a transaction of the address's
 * own, within what the owner allowed. A plain transfer would do, too, but nothing would end it: it could be mined at any later
 * time. This one is void after its window, and its nonce shows whether it was made.
 */
export const permit2Withdrawal: EvmWithdrawal = {
  methodsFor: findMethods,
  methodsLeft: (ports, _row, transfer, signal) => findMethods(ports, transfer, signal),
  draft: async (ports) =>
    Promise.resolve({
      columns: newTransfer(ports, 'permit2', WINDOW_SEC),
      async sign(row) {
        const { agentIndex, keys } = ports;
        const signature = await keys.signPermit2Withdrawal(intentOf(row), agentIndex, ports.nowMs());
        return { name: 'withdrawal', value: JSON.stringify({ signature }) };
      },
    }),
  async settlementQuery(row) {
    const query = eip3009Query(row);
    const permit2 = { spender: PERMIT2, isCeiling: false, claimedTx: row.tx } as const;
    return Promise.resolve(query === null ? null : { ...query, permit2 });
  },
  submit: (ports, row, _way, signal) =>
    sendOwn(ports, row, PERMIT2_GAS, signal, (plan) =>
      ports.keys.signWithdrawalRelay(
        {
          ...{ kind: 'permit2_relay', transfer: intentOf(row), signature: signatureIn(row) },
          ...{ accountNonce: plan.terms.accountNonce, gas: plan.gas, maxFeePerGasWei: plan.maxFeePerGasWei },
          maxPriorityFeePerGasWei: plan.maxPriorityFeePerGasWei,
        },
        ports.agentIndex,
        ports.nowMs(),
      ),
    ),
};

async function findMethods(
  ports: RailPorts,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<WithdrawalMethods> {
  const missing = await allowanceMissing(ports, transfer, signal);
  if (missing !== null) return { methods: [], ...missing };
  const way = await ownGasMethod(ports, transfer, PERMIT2_GAS, signal);
  return typeof way === 'string' ? { methods: [], reasons: [way] } : { methods: [way], reasons: [] };
}

/** Why Permit2 would not move it, with what the owner does about that; null where it would. */
async function allowanceMissing(
  ports: RailPorts,
  { network, asset, from, amountAtomic }: Transfer,
  signal: AbortSignal,
): Promise<Omit<WithdrawalMethods, 'methods'> | null> {
  if (network.family !== 'evm' || asset.family !== 'evm')
    throw new WalletError('internal', 'Permit2 was to be asked on a network that has none.');
  try {
    const allowedAtomic = await ports.chain(network).allowance(asset, from as `0x${string}`, signal);
    if (allowedAtomic >= amountAtomic) return null;
    const [allowed, wanted] = [allowedAtomic, amountAtomic].map((atomic) =>
      formatUnits(atomic, asset.decimals),
    );
    const owner = {
      say: `${asset.symbol} leaves through Permit2: allow it as much on ${network.label} as you take out; that costs gas once.`,
      action: { kind: 'setAllowance', network: network.caip2, asset: asset.symbol },
    } as const;
    return {
      reasons: [`${asset.symbol} leaves through Permit2, which may move ${allowed} of the ${wanted}.`],
      owner,
    };
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return { reasons: [`What Permit2 may move cannot be read: ${error.shortMessage}`] };
  }
}

function intentOf(row: Withdrawal): Permit2WithdrawalIntent {
  const { network, asset } = evmRows(row);
  return {
    kind: 'permit2_withdrawal',
    asset,
    chainId: network.chainId,
    amountAtomic: row.heldAtomic,
    ...transferIn(row),
  };
}

function signatureIn(row: Withdrawal): `0x${string}` {
  return (JSON.parse(signedIn(row)) as { readonly signature: `0x${string}` }).signature;
}
