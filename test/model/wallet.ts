import type { HoldRequest } from '../../src/ledger/attempts/hold.js';
import type { SendRequest, SignedPayload } from '../../src/ledger/attempts/transition.js';
import { capLine, approve, holdRequest, CENT } from '../../src/ledger/sqlite/fixtures.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { AnyAttempt } from '../../src/ledger/attempts/withdrawal.js';
import { isWalletError } from '../../src/errors/walletError.js';
import { signSolanaTransfer } from '../../src/keys/signer/solanaSigner.js';
import type { CapLine } from '../../src/money/cap.js';
import { PERMIT2_SPENDERS } from '../../src/money/permit2.js';
import type { Offer } from '../../src/payment/challenge.js';
import type { PaymentIntent, SolanaTransferIntent } from '../../src/payment/intent.js';
import { readOwnMessage, readTransaction, tokenAccountOf } from '../../src/protocols/solana/solanaMessage.js';
import type { PaymentOffer, PaymentRequired } from '../../src/protocols/x402/types.js';
import { withdrawalRailOf } from '../../src/rails/table.js';
import type { RailPorts } from '../../src/rails/ports.js';
import { toOffer } from '../../src/rails/x402Offer.js';
import { assertClock } from '../../src/wallet/clock/clockCheck.js';
import { underLease } from '../../src/wallet/leaseKeeper.js';
import { withMarks } from '../../src/wallet/settle/witness.js';
import type { Call, ModelPayment, OnChain } from './payment.js';
import { newKey, type SolanaTransfer } from './solanaSim.js';
import type { Family, Process, World } from './world.js';

const EVM_PAYER = '0x7564105E977516C53bE337314c7E53838967bDaC';
const EVM_PAYEE = '0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB';
const EVM_FACILITATOR = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const SOLANA_PAYER = newKey();
const SOLANA_PAYEE = newKey().address;
/** The EVM's chain of the model proves no signature. */
const SIGNATURE = `0x${'11'.repeat(65)}` as const;
const BALANCE = 10n ** 12n;

const SESSION = { kind: 'session', agent: 'default', sessionId: 'ses_1' } as const;
const DAY_SEC = 86_400;

/** Every line that a payment of the model falls under. */
export const LINES: readonly CapLine[] = [
  capLine({ name: 'session cap', scope: SESSION, windowSec: null, usdMicrosMax: 20n * CENT }),
  capLine({
    name: 'session ceiling',
    kind: 'ceiling',
    scope: SESSION,
    windowSec: null,
    usdMicrosMax: 30n * CENT,
  }),
  capLine({ name: 'day cap', windowSec: DAY_SEC, usdMicrosMax: 12n * CENT }),
  capLine({ name: 'day ceiling', kind: 'ceiling', windowSec: DAY_SEC, usdMicrosMax: 18n * CENT }),
];

/** How money moves on the EVM: by the token's own signature, through Permit2, or through that under a ceiling. */
type Way = 'eip3009' | 'permit2' | 'upto';
const WAYS: readonly Way[] = ['eip3009', 'eip3009', 'permit2', 'upto'];

/** By which way a request is sold: always the same one. */
function wayOf(request: number): Way {
  return WAYS[request % WAYS.length] ?? 'eip3009';
}

/** What a call of the model asks for. */
export interface Wanted {
  readonly family: Family;
  readonly cents: number;
  readonly request: number;
  readonly windowSec: number;
  readonly approved: boolean;
  /** Whether the seller's answers say when they were made. */
  readonly dated: boolean;
}

function portsOf(world: World, { engine }: Process): RailPorts {
  return {
    config: world.config,
    agentIndex: 0,
    keys: {
      signTransfer: () => Promise.resolve(SIGNATURE),
      signPermit2: () => Promise.resolve({ transfer: SIGNATURE, permit: null }),
      signSolanaTransfer: (intent: SolanaTransferIntent) => signSolanaTransfer(intent, SOLANA_PAYER),
    },
    nowMs: () => world.nowMs(),
    addressOn: ({ family }: { family: Family }) =>
      Promise.resolve(family === 'evm' ? EVM_PAYER : SOLANA_PAYER.address),
    chain: (network: Parameters<RailPorts['chain']>[0]) => engine.chain(world.config, network),
  } as unknown as RailPorts;
}

function offerOf(world: World, { family, cents, windowSec, request }: Wanted): Offer {
  const way = wayOf(request);
  const { network, asset } = world.networks[family];
  const amountAtomic = BigInt(cents) * CENT;
  const offer = {
    index: 0,
    x402Version: 2,
    scheme: family === 'evm' && way === 'upto' ? 'upto' : 'exact',
    amountAtomic,
    usdMicros: amountAtomic,
    maxTimeoutSeconds: windowSec,
    raw: {},
    networkOnWire: network.caip2,
    network,
    asset,
    ...(family === 'evm'
      ? {
          ...{ payTo: EVM_PAYEE, method: way === 'eip3009' ? way : 'permit2', channel: null },
          facilitator: way === 'upto' ? EVM_FACILITATOR : null,
        }
      : { payTo: SOLANA_PAYEE, feePayer: world.solana.feePayer.address, memo: undefined }),
  } as PaymentOffer;
  return toOffer(offer, {
    x402Version: 2,
    offers: [],
    rejected: [],
    otherProtocols: [],
  } as unknown as PaymentRequired);
}

/** Opens a payment as a call does: prepared, then held. Gives what came of it, in a word. */
export async function openPayment(world: World, process: Process, wanted: Wanted): Promise<string> {
  const { engine, ledger } = process;
  if (wanted.dated) engine.clock.noteDate({ ms: 1000 * Math.floor(world.trueMs / 1000), tookMs: 0 }, null);
  if (await isClockWrong(world, process)) return 'clock_wrong';
  const ports = portsOf(world, process);
  const offer = offerOf(world, wanted);
  const rail = engine.rails.ofOffer(offer);
  let intent: PaymentIntent;
  try {
    intent = await rail.prepare(ports, offer, world.nowMs());
  } catch (error) {
    if (isWalletError(error) && process.alive) return error.code;
    throw error;
  }
  const hold = holdOf(world, wanted, offer, intent);
  const yes = wanted.approved ? await approve(ledger, hold) : {};
  const result = await ledger.openHold({ ...hold, ...yes });
  if (result.kind !== 'held') return result.kind;
  const { payment } = result;
  const approved = payment.pastCaps.length > 0;
  await begin(world, process, payment, { family: wanted.family, approved, memo: memoIn(intent) }, () =>
    rail.sign(ports, { offer, intent, paymentId: payment.id }),
  );
  return 'held';
}

/** Whether the wallet finds its clock wrong, by its own check (T30). */
async function isClockWrong(world: World, { engine, alive }: Process): Promise<boolean> {
  try {
    await assertClock(engine, world.config);
    return false;
  } catch (error) {
    if (alive && isWalletError(error) && error.code === 'clock_wrong') return true;
    throw error;
  }
}

function holdOf(world: World, { cents, request }: Wanted, offer: Offer, intent: PaymentIntent): HoldRequest {
  return holdRequest({
    requestHash: `request-${request}`,
    heldAtomic: offer.amountAtomic,
    heldUsdMicros: BigInt(cents) * CENT,
    scheme: offer.scheme,
    network: offer.network.caip2,
    asset: offer.asset.address,
    payFrom: intent.from,
    payTo: offer.payTo,
    nonce: intent.nonce,
    validAfterSec: intent.validAfterSec,
    validBeforeSec: intent.validBeforeSec,
    capLines: LINES,
    nowMs: world.nowMs(),
  });
}

function memoIn(intent: PaymentIntent): string | null {
  return intent.kind === 'svm_transfer' ? intent.memo : null;
}

/** Takes money out as the owner does, up to its hold. */
export async function openWithdrawal(
  world: World,
  process: Process,
  family: Family,
  cents: number,
): Promise<string> {
  if (await isClockWrong(world, process)) return 'clock_wrong';
  const { ledger } = process;
  const ports = portsOf(world, process);
  const { network, asset } = world.networks[family];
  const [from, to] = family === 'evm' ? [EVM_PAYER, EVM_PAYEE] : [SOLANA_PAYER.address, SOLANA_PAYEE];
  const route = { network, asset, from, to, amountAtomic: BigInt(cents) * CENT };
  const feePayer = family === 'evm' ? null : world.solana.feePayer.address;
  const way = { kind: 'facilitator', url: 'https://facilitator.example', version: 2, feePayer } as const;
  const signal = new AbortController().signal;
  let drafted;
  try {
    drafted = await withdrawalRailOf(network).draft(ports, { ...route, methods: [way], reasons: [] }, signal);
  } catch (error) {
    if (isWalletError(error) && process.alive) return error.code;
    throw error;
  }
  const { seq } = await ledger.checkpoint();
  const result = await ledger.withdrawals.open({
    ...drafted.columns,
    agent: 'default',
    network: network.caip2,
    asset,
    payFrom: from,
    payTo: to,
    amountAtomic: route.amountAtomic,
    onChainAtomic: BALANCE,
    readSeq: seq,
    takesHeld: false,
    nowMs: world.nowMs(),
  });
  if (result.kind !== 'held') return result.kind;
  const { withdrawal } = result;
  const terms = { family, approved: false, memo: null };
  await begin(world, process, withdrawal, terms, () => drafted.sign(withdrawal));
  return 'held';
}

/** Makes the accounts that the wallet pays from. */
export async function makeAccounts({ networks, solana }: World): Promise<void> {
  const { asset } = networks.svm;
  if (asset.family !== 'svm') throw new Error('Not an asset of Solana');
  const owner = SOLANA_PAYER.address;
  solana.makeAccount({ address: await tokenAccountOf(owner, asset), owner, mint: asset.address });
}

/** Puts a held payment into the world, with the call that is busy with it. */
async function begin(
  world: World,
  process: Process,
  held: AnyAttempt,
  { family, approved, memo }: Pick<ModelPayment, 'family' | 'approved' | 'memo'>,
  sign: () => Promise<SignedPayload>,
): Promise<void> {
  const { engine, ledger } = process;
  const { asset } = world.networks[family];
  let end = (): void => undefined;
  void underLease(engine, held.id, () => new Promise<void>((resolve) => (end = resolve)));
  const payment: ModelPayment = {
    id: held.id,
    family,
    usdMicros: held.heldUsdMicros,
    movesUsdMicros: movesOf(held),
    isWithdrawal: held.kind === 'withdrawal',
    approved,
    validBeforeSec: held.validBeforeSec,
    memo,
    account: asset.family === 'svm' ? await tokenAccountOf(SOLANA_PAYER.address, asset) : null,
    onChain: null,
    left: false,
    excused: world.bothLie(family),
    call: null,
  };
  const call: Call = {
    process,
    stage: 'held',
    end,
    async sign() {
      if (await isClockWrong(world, process)) {
        payment.call = null;
        end();
        return;
      }
      const payload = withMarks(engine, world.config, held, await sign());
      payment.onChain = onChainOf(world, held, payload, payment);
      const send = { configVersion: 1, capLines: LINES, nowMs: world.nowMs() };
      const { signed, sent } = await signAndSend(ledger, held, payload, send);
      if (signed.kind !== 'done' || sent.kind !== 'done') {
        payment.call = null;
        end();
        return;
      }
      call.stage = 'sent';
    },
  };
  payment.call = call;
  world.payments.push(payment);
}

/** A withdrawal is signed and sent by two steps of its own, under one commit here as in a payment. */
async function signAndSend(
  ledger: Ledger,
  { kind, id }: AnyAttempt,
  payload: SignedPayload,
  send: SendRequest,
) {
  if (kind === 'payment') return ledger.signAndSend(id, payload, send);
  const [signed, sent] = await Promise.all([
    ledger.withdrawals.recordSigned(id, payload, send.nowMs),
    ledger.withdrawals.markSent(id, send),
  ]);
  return { signed, sent };
}

/** What a payment moves where it lands: a seller under a ceiling charges a third of it. Atomic, which are micro-dollars here. */
function movesOf(row: AnyAttempt): bigint {
  return row.kind === 'payment' && row.scheme === 'upto' ? row.heldAtomic / 3n : row.heldAtomic;
}

/** The contract of x402 that uses it; null where the token does. */
function spenderOf(row: AnyAttempt): string | null {
  if (row.kind !== 'payment' || row.scheme === 'exact') return null;
  return row.scheme === 'upto' ? PERMIT2_SPENDERS.upto : PERMIT2_SPENDERS.exact;
}

function onChainOf(
  world: World,
  row: AnyAttempt,
  payload: SignedPayload,
  { account }: ModelPayment,
): OnChain {
  if (account === null) {
    const authorization = {
      nonce: row.nonce,
      from: row.payFrom,
      to: row.payTo,
      value: movesOf(row),
      validBeforeSec: row.validBeforeSec,
      spender: spenderOf(row),
    };
    world.evm.hearOf(authorization);
    return {
      mayLand: () => world.evm.mayLand(authorization),
      hasLanded: () => world.evm.hasLanded(authorization),
      isSettled: () => world.evm.isSettled(authorization),
      mayLandAgain: () => world.evm.mayLandAgain(authorization),
      landedSec: () => world.evm.landedSec(authorization),
      land: () => {
        const sec = world.evm.land(authorization);
        return sec === null ? null : sec * 1000;
      },
      landInFork: () => world.evm.landInFork(authorization),
      transaction: () => world.evm.transactionOf(authorization),
    };
  }
  const transfer = solanaTransferIn(payload, account);
  return {
    mayLand: () => world.solana.mayLand(transfer),
    hasLanded: () => world.solana.hasLanded(transfer),
    isSettled: () => world.solana.isSettled(transfer),
    mayLandAgain: () => false,
    landedSec: () => world.solana.landedSec(transfer),
    land: () => world.solana.land(transfer),
    landInFork: () => false,
    transaction: () => world.solana.transactionOf(transfer),
  };
}

function solanaTransferIn({ name, value }: SignedPayload, account: string): SolanaTransfer {
  const text = name === 'withdrawal' ? value : Buffer.from(value, 'base64').toString();
  const { transaction } = (JSON.parse(text) as { payload: { transaction: string } }).payload;
  const message = readTransaction(transaction)?.message;
  const decoded = message === undefined ? undefined : readOwnMessage(message);
  if (decoded === undefined || decoded.memo === null)
    throw new Error('What was signed is no transfer with a memo');
  return { base64: transaction, blockhash: decoded.blockhash, memo: decoded.memo, account };
}
