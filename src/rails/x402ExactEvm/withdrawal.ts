import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import type { TransferIntent } from '../../payment/intent.js';
import { toExactEvmPayload } from '../../protocols/x402/authorization.js';
import type { ExactEvmPayload } from '../../protocols/x402/types.js';
import { evmRows, ownGasMethod, sendOwn } from '../evmGas.js';
import { facilitatorWay, settleThrough } from '../facilitator.js';
import { newTransfer, signedIn, transferIn } from '../ownTransfer.js';
import type { RailPorts } from '../ports.js';
import type { EvmWithdrawal, Submission, Transfer, WithdrawalMethods } from '../withdrawal.js';
import { x402ExactEvm } from './rail.js';

/** Long enough for any facilitator or a full block; what hangs is free again soon after. */
const WINDOW_SEC = 300;

/** What `transferWithAuthorization` uses beside a plain transfer: a signature to recover, a nonce to store. */
const AUTHORIZATION_GAS = 80_000n;

/** EIP-3009: one signature that a facilitator may settle, or the address itself, whichever comes first; never both. */
export const eip3009Withdrawal: EvmWithdrawal = {
  methodsFor: findMethods,
  // One signature serves either way.
  methodsLeft: (ports, _row, transfer, signal) => findMethods(ports, transfer, signal),
  draft: async (ports) =>
    Promise.resolve({
      columns: newTransfer(ports, 'eip3009', WINDOW_SEC),
      async sign(row) {
        const intent = intentOf(row);
        const signature = await ports.keys.signTransfer(intent, ports.agentIndex, ports.nowMs());
        return { name: 'withdrawal', value: JSON.stringify(toExactEvmPayload(intent, signature)) };
      },
    }),
  settlementQuery: x402ExactEvm.settlementQuery,
  async submit(ports, row, way, signal) {
    const payload = JSON.parse(signedIn(row)) as ExactEvmPayload;
    if (way.kind === 'own_gas') return sendOurselves(ports, row, payload, signal);
    const maxTimeoutSeconds = Math.max(1, row.validBeforeSec - Math.floor(ports.nowMs() / 1000));
    const { network, asset } = evmRows(row);
    const { payTo, heldAtomic } = row;
    const terms = { network, asset, payTo, amountAtomic: heldAtomic, payload };
    return settleThrough(ports, way, { ...terms, maxTimeoutSeconds, feePayer: null }, signal);
  },
};

async function findMethods(
  ports: RailPorts,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<WithdrawalMethods> {
  const [relay, own] = await Promise.all([
    facilitatorWay(ports, transfer.network, signal),
    ownGasMethod(ports, transfer, AUTHORIZATION_GAS, signal),
  ]);
  const found = [relay, own];
  return {
    methods: found.flatMap((way) => (typeof way === 'string' ? [] : [way])),
    reasons: found.filter((way) => typeof way === 'string'),
  };
}

function sendOurselves(
  ports: RailPorts,
  row: Withdrawal,
  { signature }: ExactEvmPayload,
  signal: AbortSignal,
): Promise<Submission> {
  return sendOwn(ports, row, AUTHORIZATION_GAS, signal, (plan) =>
    ports.keys.signRelay(
      {
        ...{ kind: 'eip3009_relay', transfer: intentOf(row), signature },
        ...{ accountNonce: plan.terms.accountNonce, gas: plan.gas, maxFeePerGasWei: plan.maxFeePerGasWei },
        maxPriorityFeePerGasWei: plan.maxPriorityFeePerGasWei,
      },
      ports.agentIndex,
      ports.nowMs(),
    ),
  );
}

function intentOf(row: Withdrawal): TransferIntent {
  const { network, asset } = evmRows(row);
  return {
    kind: 'eip3009',
    asset,
    chainId: network.chainId,
    amountAtomic: row.heldAtomic,
    ...transferIn(row),
  };
}
