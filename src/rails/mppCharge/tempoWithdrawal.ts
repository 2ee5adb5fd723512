import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import { readAddress } from '../../money/address.js';
import { findAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { findNetwork, type Caip2, type TempoNetwork } from '../../money/network.js';
import { TEMPO_FEE_ATOMIC_MAX, type TempoTransferIntent } from '../../payment/intent.js';
import { newTransfer, refuseRecipient, signedIn, transferIn } from '../ownTransfer.js';
import type { RailPorts } from '../ports.js';
import { tempoQuery } from '../tempoTransfer.js';
import type { Submission, Transfer, WithdrawalMethod, WithdrawalRail } from '../withdrawal.js';

/** Less than the chain allows, for a clock that is some seconds ahead of it. */
const WINDOW_SEC = 25;

/**
 * A transfer on Tempo that the sending address pays the fee of, in the token itself. What the owner names is the most that
 * leaves the address: the fee's bound comes off it, so that the whole of a balance can be taken out.
 */
export const tempoWithdrawal: WithdrawalRail = {
  readAddress,
  refuseRecipient: async (_ports, { network, to }) => Promise.resolve(refuseRecipient(network, to)),
  methodsFor: async (_ports, transfer) => Promise.resolve(methodsOf(transfer)),
  methodsLeft: async (_ports, _row, transfer) => Promise.resolve(methodsOf(transfer)),
  draft: async (ports) =>
    Promise.resolve({
      columns: newTransfer(ports, 'tip20', WINDOW_SEC),
      async sign(row) {
        const value = await ports.keys.signTempoTransfer(intentOf(row), ports.agentIndex, ports.nowMs());
        return { name: 'withdrawal', value };
      },
    }),
  settlementQuery: async (row) => Promise.resolve(tempoQuery(row, (sent) => sent)),
  submit,
};

function methodsOf({ asset, amountAtomic }: Transfer): {
  readonly methods: WithdrawalMethod[];
  readonly reasons: string[];
} {
  const fee = `${formatUnits(TEMPO_FEE_ATOMIC_MAX, asset.decimals)} ${asset.symbol}`;
  return amountAtomic > TEMPO_FEE_ATOMIC_MAX
    ? { methods: [{ kind: 'own_gas', feeText: `${fee}, which comes off the amount` }], reasons: [] }
    : {
        methods: [],
        reasons: [`The fee comes off the amount, and may take ${fee}: take out more than that.`],
      };
}

async function submit(
  ports: RailPorts,
  row: Withdrawal,
  _way: WithdrawalMethod,
  signal: AbortSignal,
): Promise<Submission> {
  const value = signedIn(row) as `0x${string}`;
  try {
    const tx = await ports.chain(tableRows(row).network).send(value, signal);
    return { kind: 'taken', tx, message: `The transaction ${tx} was sent.` };
  } catch (error) {
    // An RPC that gives no answer may have passed the transaction on all the same.
    if (!isWalletError(error)) throw error;
    return { kind: 'silent', message: error.shortMessage };
  }
}

function intentOf(row: Withdrawal): TempoTransferIntent {
  const { network, asset } = tableRows(row);
  return {
    kind: 'tempo_transfer',
    asset,
    chainId: network.chainId,
    amountAtomic: row.heldAtomic - TEMPO_FEE_ATOMIC_MAX,
    feePaidBy: 'self',
    ...transferIn(row),
    validAfterSec: 0,
  };
}

function tableRows(row: Withdrawal): { network: TempoNetwork; asset: TempoTransferIntent['asset'] } {
  const network = findNetwork(row.network);
  const asset = findAsset(row.network as Caip2, row.asset);
  if (network?.family === 'tempo' && asset?.family === 'tempo') return { network, asset };
  throw new WalletError('internal', 'A withdrawal is in an asset the table lost.');
}
