import { createHash } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import type { LightningNetwork } from '../../money/network.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { Chain } from '../chainReader.js';
import { RETRY_SEC } from '../endpoints.js';
import type { ChainHistory, ChainPayment } from '../history.js';
import type {
  AnySettlementQuery,
  LightningSettlementQuery,
  Settlement,
  UnknowableReason,
} from '../settlement.js';
import {
  LightningFault,
  OtherNode,
  type LightningBackend,
  type NodePayment,
  type WalletInfo,
} from './backend.js';
import { readConnection, walletIdOf, type LightningConnection } from './connection.js';

/** Clocks of payer and payee may be apart by this, and an invoice that has ended still be taken up. */
const END_SLACK_SEC = 600;
/**
 * The longest that a payment can be under way: LND locks money for no more than 2,016 blocks, and a block takes ten minutes.
 * Over NIP-47 a wallet may leave out of its books what is not settled: only after that time does silence prove anything.
 */
export const UNDER_WAY_SEC_MAX = 15 * 86_400;
/** The wallet's clock, by which it reads until when a request is good, and ours may be apart by this. */
const ASK_SLACK_SEC = 60;
/** How soon a payment that is under way is asked about again. */
const LOOK_AGAIN_SEC = 30;

/** Why nothing can be said yet of a payment by Lightning. */
type LightningOpen = Extract<UnknowableReason, 'in_flight' | 'rpc_down' | 'other_wallet' | 'no_proof'>;

/** What became of an invoice that the node was asked to pay. */
export type PaidInvoice =
  | {
      readonly kind: 'paid';
      /** It hashes to the payment hash: that was looked at. */
      readonly preimage: string;
      /** Invoice and routing. */
      readonly amountAtomic: AtomicAmount;
    }
  /** It never left, or the node's books say that it failed: a proof. */
  | {
      readonly kind: 'failed';
      readonly why: string;
      /** Set where another node answers than the one that was connected. */
      readonly isOtherNode?: true;
    }
  | {
      readonly kind: 'open';
      readonly why: string;
      /** Set where the wallet said that it does not begin to pay, which a second copy of the request may still change. */
      readonly isRefused?: true;
    };

/** The owner's connected Lightning wallet, in the place of a chain: its books tell what became of a payment. */
export interface LightningChain extends Chain {
  /** What it is known by in the ledger. Throws `rpc_unavailable` where none is connected. */
  walletId(): string;
  /** Throws `rpc_unavailable`. */
  info(signal?: AbortSignal): Promise<WalletInfo>;
  /**
   * Asks for one payment, once: the caller has made it durable before that this may happen, and never asks for the same
   * payment hash again. Never throws once anything may have left.
   */
  pay(
    request: LightningSettlementQuery & { readonly invoice: string },
    signal: AbortSignal,
  ): Promise<PaidInvoice>;
  /** An invoice by which the owner fills the wallet. Throws `rpc_unavailable`. */
  makeInvoice(amountAtomic: AtomicAmount, description: string, signal?: AbortSignal): Promise<string>;
}

/** Makes the reader of the connected wallet; nothing is loaded or asked before its first question. */
export function createLightningChain(options: {
  readonly network: LightningNetwork;
  readonly nowMs?: () => number;
  readonly lightning?: () => string | null;
  /** Opens what a connection leads to; what this version knows unless given. */
  readonly open?: (connection: LightningConnection, nowMs: () => number) => Promise<LightningBackend>;
}): LightningChain {
  const { network, nowMs = Date.now, lightning = () => null, open = openBackend } = options;
  let opened: { readonly text: string; readonly backend: Promise<LightningBackend> } | null = null;

  function connection(): { readonly text: string; readonly parsed: LightningConnection } {
    const text = lightning();
    const parsed = text === null ? null : readConnection(text);
    if (text === null || parsed === null)
      throw new WalletError('rpc_unavailable', `No Lightning wallet is connected for ${network.label}.`, {
        owner: { say: 'Connect a Lightning wallet.', action: { kind: 'connectLightning' } },
      });
    return { text, parsed };
  }

  function backend(): Promise<LightningBackend> {
    const { text, parsed } = connection();
    if (opened?.text !== text) opened = { text, backend: open(parsed, nowMs) };
    return opened.backend;
  }

  async function asked<T>(ask: (node: LightningBackend) => Promise<T>): Promise<T> {
    try {
      return await ask(await backend());
    } catch (error) {
      throw error instanceof LightningFault ? unavailable(error) : error;
    }
  }

  /** What the node's books say; null where it has none, or a fault of reaching it. */
  async function lookUp(
    paymentHash: string,
    signal: AbortSignal | undefined,
  ): Promise<NodePayment | null | LightningFault> {
    try {
      return await (await backend()).lookup(paymentHash, signal);
    } catch (error) {
      if (error instanceof LightningFault) return error;
      throw error;
    }
  }

  async function settlementOf(query: AnySettlementQuery, signal?: AbortSignal): Promise<Settlement> {
    const given = query as LightningSettlementQuery;
    const nowSec = Math.floor(nowMs() / 1000);
    const unknowable = (reason: LightningOpen, message: string): Settlement => ({
      kind: 'unknowable',
      ...{ reason, message, retryAtSec: nowSec + (reason === 'in_flight' ? LOOK_AGAIN_SEC : RETRY_SEC) },
    });
    const text = lightning();
    const parsed = text === null ? null : readConnection(text);
    if (parsed === null || walletIdOf(parsed) !== given.from)
      return given.wasAsked
        ? unknowable('other_wallet', 'The Lightning wallet that was asked to pay it is not connected.')
        : released('no wallet was asked to pay it');
    const found = await lookUp(given.paymentHash, signal);
    if (found instanceof OtherNode) return unknowable('other_wallet', `${found.message}.`);
    if (found instanceof LightningFault) return unknowable('rpc_down', `${found.message}.`);
    // A copy of the request that a relay brings later can be paid after all. This look was begun at `nowSec`, so that no answer
    // that was held back counts for more than it knew.
    const copiesEndSec = copiesEndOf(given, parsed);
    const copyMayCome = unknowable(
      'in_flight',
      `The Lightning wallet did not pay it; until ${timeText(copiesEndSec)} the same request may still come to it a second time.`,
    );
    if (found === null) {
      if (!given.wasAsked) return released('no wallet was asked to pay it');
      if (given.wasRefused === true)
        return nowSec <= copiesEndSec ? copyMayCome : released('the Lightning wallet refused to pay it');
      const waitSec = parsed.kind === 'lnd' ? END_SLACK_SEC : UNDER_WAY_SEC_MAX;
      const provedSec = given.invoiceEndsSec + waitSec;
      if (nowSec <= provedSec)
        return unknowable(
          'in_flight',
          `The Lightning wallet has no record of it yet; until ${timeText(provedSec)} it may still be asked for.`,
        );
      return released('the Lightning wallet has no record of it, and its invoice ended long enough ago');
    }
    if (found.state === 'failed' && nowSec <= copiesEndSec) return copyMayCome;
    if (found.state === 'failed')
      return released(`the Lightning wallet’s own record says that it failed${reasonOf(found)}`);
    if (found.state === 'in_flight')
      return unknowable(
        'in_flight',
        'The Lightning wallet says that it is under way; its payee can keep it so for days (a hold invoice).',
      );
    const paid = paidOf(given, found);
    if (paid === null)
      return unknowable(
        'no_proof',
        'The Lightning wallet says that it is paid and shows no valid proof of it.',
      );
    return {
      kind: 'captured',
      tx: given.paymentHash,
      blockTimeMs: found.settledSec === null ? null : found.settledSec * 1000,
      amountAtomic: paid.amountAtomic,
      final: true,
      preimage: paid.preimage,
    };
  }

  return {
    walletId: () => walletIdOf(connection().parsed),
    info: (signal) => asked((node) => node.info(signal)),
    balanceOf: (_asset, address, signal) =>
      asked((node) => {
        // Another wallet was connected meanwhile: its money is not at this address.
        if (walletIdOf(connection().parsed) !== address) return Promise.resolve(0n);
        return node.balanceMsat(signal);
      }),
    settlementOf,
    async pay(request, signal) {
      const { invoice, paymentHash, amountAtomic, invoiceAtomic } = request;
      try {
        // Another wallet may have been connected since the hold; that one's books would not tell what this one paid.
        if (walletIdOf(connection().parsed) !== request.from)
          return { kind: 'failed', why: 'another wallet was connected meanwhile' };
        const node = await backend();
        const report = await node.pay(
          {
            ...{ invoice, paymentHash, feeMaxMsat: amountAtomic - invoiceAtomic },
            ...(request.askUntilSec === undefined ? {} : { askUntilSec: request.askUntilSec }),
          },
          signal,
        );
        if (report.kind === 'refused') {
          const { why, asksBooks = false } = report;
          if (!asksBooks) return { kind: 'failed', why };
          if ((await lookUp(paymentHash, signal)) === null)
            return {
              kind: 'open',
              why: `It refused (${why}), and the same request may still come to it a second time.`,
              isRefused: true,
            };
        }
        if (report.kind === 'told' && report.payment.state === 'failed')
          return { kind: 'failed', why: `it found no way${reasonOf(report.payment)}` };
        const paid = report.kind === 'told' ? paidOf(request, report.payment) : null;
        if (paid !== null) return { kind: 'paid', ...paid };
      } catch (error) {
        if (!(error instanceof LightningFault)) throw error;
        if (error instanceof OtherNode) return { kind: 'failed', why: error.message, isOtherNode: true };
        if (!error.mayHaveLeft) return { kind: 'failed', why: error.message };
      }
      // Its books are asked at once: what came of it may be known by now.
      const settlement = await settlementOf(request, signal.aborted ? undefined : signal);
      if (settlement.kind === 'captured' && settlement.preimage !== undefined)
        return { kind: 'paid', preimage: settlement.preimage, amountAtomic: settlement.amountAtomic };
      if (settlement.kind === 'released') return { kind: 'failed', why: 'it found no way to the payee' };
      return { kind: 'open', why: settlement.kind === 'unknowable' ? (settlement.message ?? '') : '' };
    },
    makeInvoice: (amountAtomic, description, signal) =>
      asked((node) => node.makeInvoice(amountAtomic, description, signal)),
    marks: () => [],
    readMarks: () => Promise.resolve([]),
    latestTimeSec: () => Promise.resolve(Math.floor(nowMs() / 1000)),
    askTime: () => Promise.resolve(),
    history: async (_asset, from, sinceSec, signal) =>
      asked(async (node) => historyOf(node.place, from, await node.payments(sinceSec, signal), nowMs())),
    // Its owner's own books hold all that comes and goes there, for others too: they are not this wallet's.
    movements: () => Promise.resolve(null),
    async unionHistory(_asset, from, sinceSec, signal) {
      try {
        const node = await backend();
        const history = historyOf(node.place, from, await node.payments(sinceSec, signal), nowMs());
        const readBy = [{ origin: history.origin, untilSec: history.untilSec }];
        return { payments: history.payments, unread: [], readBy, faults: [], isWhole: true };
      } catch (error) {
        if (!(error instanceof LightningFault)) throw error;
        return { payments: [], unread: [], readBy: [], faults: [error.message], isWhole: false };
      }
    },
  };
}

/** Loads what a connection needs, and nothing of the other kind. */
async function openBackend(connection: LightningConnection, nowMs: () => number): Promise<LightningBackend> {
  if (connection.kind === 'nwc') return (await import('./nwc.js')).openNwc(connection, nowMs);
  return (await import('./lnd.js')).openLnd(connection);
}

/**
 * Until when a second copy of the request to pay can be acted on, s since 1970: by a relay that keeps copies, while both the
 * request and its invoice are good. Behind us where a request cannot be doubled.
 */
function copiesEndOf(
  { askUntilSec, invoiceEndsSec }: LightningSettlementQuery,
  { kind }: LightningConnection,
): number {
  if (kind === 'lnd') return 0;
  return Math.min(askUntilSec ?? invoiceEndsSec, invoiceEndsSec) + ASK_SLACK_SEC;
}

function timeText(sec: number): string {
  return new Date(sec * 1000).toISOString();
}

/** One bitcoin: no route costs that, and what a node that lies says beyond it is no number to count by. */
const FEE_MSAT_MAX = 100_000_000_000n;

/**
 * A payment with its proof, and all that it took, which may be more than it was bound to; null where the node shows no valid
 * proof (T40: a node that lies).
 */
function paidOf(
  { paymentHash, invoiceAtomic }: LightningSettlementQuery,
  { state, preimage, feeMsat }: NodePayment,
): { readonly preimage: string; readonly amountAtomic: AtomicAmount } | null {
  if (state !== 'paid' || preimage === null || !/^[0-9a-f]{64}$/.test(preimage)) return null;
  const hash = createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex');
  if (hash !== paymentHash) return null;
  return { preimage, amountAtomic: invoiceAtomic + (feeMsat > FEE_MSAT_MAX ? FEE_MSAT_MAX : feeMsat) };
}

function released(summary: string): Settlement {
  return { kind: 'released', proof: 'expired_unused', summary };
}

function reasonOf({ failure }: NodePayment): string {
  return failure === null ? '' : ` (${failure})`;
}

function historyOf(
  origin: string,
  from: string,
  payments: readonly NodePayment[],
  nowMs: number,
): ChainHistory {
  return {
    payments: payments
      // What is under way may still arrive, for days: a rebuilding counts it, or its caps would be free meanwhile.
      .filter(({ state }) => state !== 'failed')
      .map((payment): ChainPayment => ({
        nonce: `0x${payment.paymentHash}`,
        to: from,
        amountAtomic: (payment.amountMsat ?? 0n) + payment.feeMsat,
        tx: payment.paymentHash,
        ...{ blockNumber: 0n, logIndex: 0 },
        timeSec: payment.settledSec ?? Math.floor(nowMs / 1000),
      })),
    ...{ spentWithoutTransfer: [], unread: [], fromBlock: 0n, toBlock: 0n },
    untilSec: Math.floor(nowMs / 1000),
    origin,
  };
}

function unavailable({ message }: LightningFault): WalletError {
  return new WalletError('rpc_unavailable', `The Lightning wallet cannot be asked: ${message}.`, {
    retryAfterSec: RETRY_SEC,
    owner: {
      say: 'Purser cannot reach the Lightning wallet; if this lasts, connect it anew.',
      action: { kind: 'connectLightning' },
    },
  });
}
