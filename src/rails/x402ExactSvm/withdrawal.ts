import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import { findAsset, type SvmAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { SOL_DECIMALS } from '../../money/gasCoin.js';
import { OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS } from '../../payment/intent.js';
import { findNetwork, type Caip2, type SvmNetwork } from '../../money/network.js';
import { isBase58 } from '../../money/base58.js';
import { hasNoKey, SYSTEM_PROGRAM } from '../../protocols/solana/solanaAddress.js';
import {
  paysOwnFee,
  readOwnMessage,
  readTransaction,
  tokenAccountOf,
} from '../../protocols/solana/solanaMessage.js';
import { signedIn } from '../ownTransfer.js';
import type { RailPorts } from '../ports.js';
import { x402ExactSvm } from './rail.js';
import { facilitatorWay, settleThrough } from '../facilitator.js';
import type {
  Submission,
  Drafted,
  OwnGasMethod,
  WithdrawalRail,
  Transfer,
  WithdrawalMethods,
} from '../withdrawal.js';
import { COMPUTE_UNITS, newMemo, timed } from './transfer.js';
import type { AtomicAmount } from '../../money/unit.js';

/** A signature's own fee. */
const SIGNATURE_LAMPORTS = 5_000n;
/** Finding the address of an account anew takes up to some 60,000 units of computing, and making it 20,000. */
const ACCOUNT_COMPUTE_UNITS = 80_000;
const MICROLAMPORTS = 1_000_000n;
/** What an account of 165 bytes must hold to exist; rent has never risen, and the program takes what it is. */
const TOKEN_ACCOUNT_LAMPORTS = 2_039_280n;
/** An address that pays a fee must keep this, what an empty account has to hold, or its transaction fails. */
const KEPT_LAMPORTS = 890_880n;

/**
 * Transfers as scheme `exact` makes them, which a facilitator pays the fee of; or else the address itself, which then
 * can make the payee's token account, too. Who pays is part of what is signed: one way is chosen before, and no other
 * is tried until that one is proved dead.
 */
export const svmWithdrawal: WithdrawalRail = {
  readAddress: (text) => (isBase58(text, 'address') ? text : undefined),
  refuseRecipient,
  methodsFor: findMethods,
  async methodsLeft(ports, row, { network }, signal) {
    const message = readTransaction(transactionOf(row))?.message;
    const signed = message === undefined ? undefined : readOwnMessage(message);
    if (signed === undefined)
      throw new WalletError('internal', 'A withdrawal has lost what was signed for it.');
    if (paysOwnFee(signed))
      return { methods: [{ kind: 'own_gas', feeText: 'the fee that was signed' }], reasons: [] };
    const relay = await facilitatorWay(ports, network, signal);
    if (typeof relay === 'string') return { methods: [], reasons: [relay] };
    if (relay.feePayer === signed.feePayer) return { methods: [relay], reasons: [] };
    return { methods: [], reasons: ['The facilitator now pays fees by another key than it was signed for.'] };
  },
  draft,
  settlementQuery: x402ExactSvm.settlementQuery,
  async submit(ports, row, way, signal) {
    const { network, asset } = tableRows(row);
    const transaction = transactionOf(row);
    if (way.kind === 'own_gas') return sendOurselves(ports, network, transaction, signal);
    const maxTimeoutSeconds = Math.max(1, row.validBeforeSec - Math.floor(ports.nowMs() / 1000));
    const terms = { network, asset, payTo: row.payTo, amountAtomic: row.heldAtomic, maxTimeoutSeconds };
    const settlement = { ...terms, payload: { transaction }, feePayer: way.feePayer };
    const submission = await settleThrough(ports, way, settlement, signal);
    if (submission.kind !== 'refused') return submission;
    const instead = 'With withdrawals.facilitator_url none, the address pays its own fee the next time.';
    return { ...submission, message: `${submission.message} ${instead}` };
  },
};

async function refuseRecipient(
  ports: RailPorts,
  { network, asset, from, to }: Omit<Transfer, 'amountAtomic'>,
  isExplicit: boolean,
  signal: AbortSignal,
): Promise<string | null> {
  const parts = onSolana(network, asset);
  if (to === (await tokenAccountOf(from, parts.asset))) return 'is the token account of this very wallet';
  const there = await ports.chain(parts.network).account(to, signal);
  if (there?.executable === true) return 'is a program, from which nothing comes back';
  if (there !== null && there.program !== SYSTEM_PROGRAM) {
    return there.token?.mint === asset.address
      ? `is a token account and no wallet; its owner is ${there.token.owner}: give that one, if it is yours`
      : 'is no wallet but an account of a program, such as a token or a token account';
  }
  if (isExplicit || !(await hasNoKey(to))) return null;
  return 'has no key: it is a program’s (a vault, say, or a token account not made yet), and money sent there can be lost; say --off-curve if it is yours all the same';
}

async function findMethods(
  ports: RailPorts,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<WithdrawalMethods> {
  const { network, asset } = onSolana(transfer.network, transfer.asset);
  try {
    if (await ports.chain(network).canReceive(asset, transfer.to, signal)) {
      const relay = await facilitatorWay(ports, network, signal);
      if (typeof relay === 'string') return await ownFeeWays(ports, transfer, [relay], signal);
      if (relay.feePayer !== transfer.from) return { methods: [relay], reasons: [] };
      const says = 'The facilitator names this very wallet as who pays the fee.';
      return await ownFeeWays(ports, transfer, [says], signal);
    }
    const says = `The recipient has no ${asset.symbol} account on ${network.label} yet: a facilitator makes none, and whoever sends it ${asset.symbol} from elsewhere does.`;
    return await ownFeeWays(ports, transfer, [says], signal, true);
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return { methods: [], reasons: [`Ways on ${network.label} cannot be looked for: ${error.shortMessage}`] };
  }
}

async function ownFeeWays(
  ports: RailPorts,
  { network, asset, from }: Transfer,
  reasons: readonly string[],
  signal: AbortSignal,
  createsAccount = false,
): Promise<WithdrawalMethods> {
  const chain = ports.chain(onSolana(network, asset).network);
  const lamports = (await chain.account(from, signal))?.lamports ?? 0n;
  const computing = BigInt(computeUnits(createsAccount) * OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS);
  const fee = SIGNATURE_LAMPORTS + computing / MICROLAMPORTS + 1n;
  const rent = createsAccount ? TOKEN_ACCOUNT_LAMPORTS : 0n;
  const makes = createsAccount ? `, ${sol(rent)} of it to make the recipient’s ${asset.symbol} account` : '';
  const missing = fee + rent + KEPT_LAMPORTS - lamports;
  if (missing <= 0n)
    return { methods: [{ kind: 'own_gas', feeText: `${sol(fee + rent)}${makes}`, createsAccount }], reasons };
  const lacks = `To pay the fee itself the address lacks ${sol(missing)} (${sol(fee + rent)}${makes}; the rest has to stay there): send that on ${network.label} to ${from}.`;
  return { methods: [], reasons: [...reasons, lacks] };
}

function computeUnits(createsAccount: boolean): number {
  return COMPUTE_UNITS + (createsAccount ? ACCOUNT_COMPUTE_UNITS : 0);
}

function sol(lamports: bigint): string {
  return `${formatUnits(lamports, SOL_DECIMALS)} SOL`;
}

async function draft(
  ports: RailPorts,
  transfer: Transfer & WithdrawalMethods,
  signal: AbortSignal,
): Promise<Drafted> {
  const { from, to, amountAtomic } = transfer;
  const { network, asset } = onSolana(transfer.network, transfer.asset);
  const [way] = transfer.methods;
  const { blockhash, lastValidBlockHeight } = await ports.chain(network).blockhash(signal);
  const terms = { asset, from, to, amountAtomic, blockhash, memo: newMemo() };
  const drafted =
    way?.kind === 'facilitator' && way.feePayer !== null
      ? await byFacilitator(ports, { ...terms, feePayer: way.feePayer }, lastValidBlockHeight)
      : await byOurselves(ports, terms, way?.kind === 'own_gas' ? way : null, lastValidBlockHeight);
  const { nonce, validBeforeSec, sign } = drafted;
  return {
    columns: { scheme: 'exact', nonce, validAfterSec: 0, validBeforeSec },
    async sign() {
      // Laid out as in a payment's header, for whoever asks the chain about it.
      const payload = { transaction: await sign() };
      const value = JSON.stringify({ payload });
      return { name: 'withdrawal', value, validBeforeBlock: lastValidBlockHeight };
    },
  };
}

interface Terms {
  readonly asset: SvmAsset;
  readonly from: string;
  readonly to: string;
  readonly amountAtomic: AtomicAmount;
  readonly blockhash: string;
  readonly memo: string;
}

interface Unsigned {
  readonly nonce: string;
  readonly validBeforeSec: number;
  readonly sign: () => Promise<string>;
}

async function byFacilitator(
  ports: RailPorts,
  terms: Terms & { readonly feePayer: string },
  lastBlock: number,
): Promise<Unsigned> {
  const parts = { ...terms, computeUnitLimit: COMPUTE_UNITS, computeUnitPriceMicroLamports: 1 };
  const intent = {
    kind: 'svm_transfer',
    ...parts,
    ...(await timed(parts, lastBlock, ports.nowMs())),
  } as const;
  return { ...intent, sign: () => ports.keys.signSolanaTransfer(intent, ports.agentIndex) };
}

async function byOurselves(
  ports: RailPorts,
  terms: Terms,
  way: OwnGasMethod | null,
  lastBlock: number,
): Promise<Unsigned> {
  if (way === null) throw new WalletError('internal', 'A withdrawal was to be drafted that has no way.');
  const createsAccount = way.createsAccount === true;
  const parts = {
    ...terms,
    createsAccount,
    computeUnitLimit: computeUnits(createsAccount),
    computeUnitPriceMicroLamports: OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS,
  };
  const intent = {
    kind: 'svm_own_transfer',
    ...parts,
    ...(await timed({ ...parts, feePayer: terms.from }, lastBlock, ports.nowMs())),
  } as const;
  return { ...intent, sign: () => ports.keys.signSolanaOwnTransfer(intent, ports.agentIndex) };
}

async function sendOurselves(
  ports: RailPorts,
  network: SvmNetwork,
  transaction: string,
  signal: AbortSignal,
): Promise<Submission> {
  try {
    const tx = await ports.chain(network).send(transaction, signal);
    return { kind: 'taken', tx, message: `The transaction ${tx} was sent.` };
  } catch (error) {
    // An RPC that gives no answer may have passed the transaction on all the same.
    if (!isWalletError(error)) throw error;
    return { kind: 'silent', message: error.shortMessage };
  }
}

/** The transaction as it was signed, from the ledger's own row. */
function transactionOf(row: Withdrawal): string {
  return (JSON.parse(signedIn(row)) as { payload: { transaction: string } }).payload.transaction;
}

function tableRows(row: Withdrawal): { network: SvmNetwork; asset: SvmAsset } {
  return onSolana(findNetwork(row.network), findAsset(row.network as Caip2, row.asset));
}

function onSolana(
  network: Transfer['network'] | undefined,
  asset: Transfer['asset'] | undefined,
): { network: SvmNetwork; asset: SvmAsset } {
  if (network?.family === 'svm' && asset?.family === 'svm') return { network, asset };
  throw new WalletError('internal', 'A withdrawal is in an asset the table lost.');
}
