import { CHANNEL_RESERVE } from '../../protocols/tempo/channel.js';
import { isCharged, isDeposit, isDrawn } from '../../protocols/protocol.js';
import { keptOf } from '../../wallet/entitlement/deposit.js';
import { describeUnread, paymentKey, type Chain, type ChainPayment } from '../../chain/chain.js';
import type { Config } from '../../config/settings.js';
import { isWalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { isLive, openedWallMs } from '../../ledger/attempts/attempt.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import type { Asset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { findNetwork, type Network } from '../../money/network.js';
import { lightningWalletId } from '../../wallet/agentAddress.js';
import { openChain } from '../../wallet/chains.js';
import { Rails } from '../../rails/table.js';
import {
  settleAttempt,
  type SettlementPlace,
  type SettlementVerdict,
} from '../../wallet/settle/settlement.js';
import { Funds } from '../../wallet/settle/funds.js';
import { agentAddresses, fundedAssets } from '../ownAddresses.js';

/** As far back as any cap counts. */
const COMPARED_MS = 30 * 86_400_000;
/** Rows this near the beginning may be settled in blocks before it. */
const EDGE_MS = 3_600_000;
const PAGE_ROWS = 200;
/** A look at one payment that was released: some seconds at slow operators. */
export const LOOK_MS_MAX = 30_000;

/** One difference between ledger and chain, or a chain that could not be read. */
export interface ChainFinding {
  readonly where: 'chain';
  readonly id: string;
  readonly says: string;
}

/** What was compared, and mended. */
export interface ChainComparison {
  readonly compared: number;
  /** The same by agent and network, where anything was compared. */
  readonly byAgent: readonly {
    readonly agent: string;
    readonly network: string;
    readonly payments: number;
  }[];
  /** Payments that the chain shows and the ledger does not know: a rebuilding counts them. */
  readonly unknown: number;
  /** Payments that had been released, and that the chain was proved to show: they are captured again (T32). */
  readonly recaptured: readonly SettlementVerdict[];
  readonly findings: readonly ChainFinding[];
  /** RPCs that could not be read beside others that could: one sentence for each. */
  readonly notes: readonly string[];
}

/** One asset of one network, with all that is compared there. */
interface FundedAsset {
  readonly network: Network;
  readonly asset: Asset;
  readonly chain: Chain;
}

/**
 * Compares the last 30 days of the ledger with what the RPCs of each enabled network show together, to the atomic unit: a
 * payment that either side does not know, and amounts that differ. Payments still open are left to the reconciler. One
 * that was released, and landed all the same, is taken for captured where that is proved.
 */
export async function compareWithChain(
  config: Config,
  keys: UnlockedWallet,
  ledger: Ledger,
  nowMs: number,
): Promise<ChainComparison> {
  const comparison = await Comparison.begin(config, keys, ledger, nowMs);
  for (const funded of fundedAssets(config, keys, () => nowMs)) {
    try {
      await comparison.compare(funded);
    } catch (error) {
      if (!isWalletError(error)) throw error;
      comparison.find(
        `${funded.network.caip2} ${funded.asset.symbol}`,
        `Not compared: ${error.shortMessage}`,
      );
    }
  }
  const { byAgent, unknown, recaptured, findings, notes } = comparison;
  return {
    compared: byAgent.reduce((sum, { payments }) => sum + payments, 0),
    byAgent,
    unknown,
    recaptured,
    findings,
    notes: [...notes],
  };
}

/** Where a payment's end is looked at by a command that opens no engine. */
export function settlementPlaceOf(
  config: Config,
  keys: UnlockedWallet,
  ledger: Ledger,
  nowMs: number,
): SettlementPlace {
  const lightning = (): string | null => keys.lightning.read();
  return {
    rails: new Rails(),
    keys,
    ledger,
    funds: new Funds(ledger),
    now: () => nowMs,
    config: () => Promise.resolve(config),
    chainOf: (_config, caip2) => {
      const network = findNetwork(caip2);
      return network === undefined
        ? null
        : openChain(config, network, () => nowMs, undefined, undefined, lightning).chain;
    },
  };
}

/** More deposits than this are never kept. */
const DEPOSITS_MAX = 10_000;

class Comparison {
  readonly byAgent: ChainComparison['byAgent'][number][] = [];
  readonly recaptured: SettlementVerdict[] = [];
  readonly findings: ChainFinding[] = [];
  readonly notes = new Set<string>();
  unknown = 0;
  readonly #config: Config;
  readonly #keys: UnlockedWallet;
  readonly #ledger: Ledger;
  readonly #nowMs: number;
  readonly #sinceMs: number;
  readonly #rows: ReadonlyMap<string, AnyAttempt>;
  readonly #ended: ReadonlySet<string>;
  readonly #deposits = new Set<string>();

  private constructor(
    config: Config,
    keys: UnlockedWallet,
    ledger: Ledger,
    nowMs: number,
    rows: ReadonlyMap<string, AnyAttempt>,
    ended: ReadonlySet<string>,
  ) {
    this.#config = config;
    this.#keys = keys;
    this.#ledger = ledger;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs - COMPARED_MS;
    this.#rows = rows;
    this.#ended = ended;
  }

  static async begin(
    config: Config,
    keys: UnlockedWallet,
    ledger: Ledger,
    nowMs: number,
  ): Promise<Comparison> {
    const rows = await byNonce(ledger, nowMs - COMPARED_MS - EDGE_MS);
    const kept = await ledger.entitlements.list({}, DEPOSITS_MAX);
    const ended = kept.filter(({ kind }) => kind === 'channel').flatMap((one) => keptOf(one).end_txs ?? []);
    return new Comparison(config, keys, ledger, nowMs, rows, new Set(ended));
  }

  find(id: string, says: string): void {
    this.findings.push({ where: 'chain', id, says });
  }

  async compare({ network, asset, chain }: FundedAsset): Promise<void> {
    const all = await agentAddresses(this.#config, this.#keys, this.#ledger, network);
    // One Lightning wallet is everybody's: its books are read once.
    const agents = network.family === 'lightning' ? all.slice(0, 1) : all;
    const [id, sinceSec] = [`${network.caip2} ${asset.symbol}`, Math.floor(this.#sinceMs / 1000)];
    const histories = await Promise.all(
      agents.map(async ({ agent, address }) => ({
        agent,
        address,
        history: await chain.unionHistory(asset, address, sinceSec),
      })),
    );
    const shown = new Set<string>();
    for (const { agent, address, history } of histories) {
      const { payments, readBy, faults } = history;
      if (readBy.length === 0) return this.find(id, `Not compared: ${faults.join('; ')}.`);
      for (const why of faults)
        this.notes.add(`Compared with ${network.label} without one of its RPCs: ${why}.`);
      const unread = describeUnread(history, address, network.label);
      if (unread !== null) this.notes.add(unread);
      for (const payment of payments) {
        for (const key of this.#keysOf(payment, network.caip2)) shown.add(key);
        await this.#judge(payment, agent, network, asset);
      }
      if (payments.length > 0)
        this.byAgent.push({ agent, network: network.caip2, payments: payments.length });
    }
    this.#findUnshown(shown, network, asset);
  }

  async #judge(payment: ChainPayment, agent: string, network: Network, asset: Asset): Promise<void> {
    const amount = formatUnits(payment.amountAtomic, asset.decimals);
    // Our own transaction that ended a deposit took its fee.
    if (this.#ended.has(payment.tx)) return;
    if (this.#isDeposit(payment, network.caip2)) return;
    const row =
      this.#signedAs(payment, network.caip2) ??
      this.#namedBy(payment, network.caip2) ??
      this.#chargedAs(payment, network.caip2) ??
      this.#openFor(payment, network.caip2);
    if (row === undefined) {
      // A Lightning wallet may well pay for others, too.
      if (network.family === 'lightning') return;
      this.unknown += 1;
      this.find(
        payment.tx,
        `The chain shows ${amount} paid by the agent ${agent} to ${payment.to} on ${network.label}, which the ledger does not know; a rebuilt ledger counts it.`,
      );
    } else if (row.state === 'released') {
      await this.#mend(row, `${amount} paid to ${payment.to}`);
    } else if (row.kind === 'payment' && isDeposit(row) && row.heldAtomic === payment.amountAtomic) {
      // All of it went to its channel, and comes to what was taken of that: another proof tells it.
      return;
    } else if (row.state === 'captured' && row.capturedAtomic !== payment.amountAtomic) {
      const told = formatUnits(row.capturedAtomic ?? 0n, asset.decimals);
      this.find(row.id, `The ledger has ${told} captured; the chain shows ${amount}.`);
    }
  }

  /**
   * Whether a transfer made a deposit that the ledger knows, or added to it, by the channel that its transaction names; where it
   * names none, each deposit once. How much of it was taken is told by another proof.
   */
  #isDeposit({ nonce, to, amountAtomic, named }: ChainPayment, network: string): boolean {
    if (nonce !== null || to.toLowerCase() !== CHANNEL_RESERVE) return false;
    if (typeof named === 'string') {
      const made = this.#rows.get(keyOf(network, named.toLowerCase()));
      return made?.kind === 'payment' && isDeposit(made) && made.state !== 'released';
    }
    const row = [...new Set(this.#rows.values())].find(
      (one) =>
        one.kind === 'payment' &&
        one.network === network &&
        isDeposit(one) &&
        one.state !== 'released' &&
        amountAtomic <= one.heldAtomic &&
        !this.#deposits.has(one.id),
    );
    if (row !== undefined) this.#deposits.add(row.id);
    return row !== undefined;
  }

  /** The row with a payment's nonce; where nobody knew that one as signed, the row that counts what it moved. */
  #signedAs(payment: ChainPayment, network: string): AnyAttempt | undefined {
    const key = this.#isUnsigned(payment, network) ? placeKey(payment) : paymentKey(payment);
    return this.#rows.get(keyOf(network, key));
  }

  /** What was taken by a promise: its memo is its seller's, so it is known by its place alone. */
  #chargedAs(payment: ChainPayment, network: string): AnyAttempt | undefined {
    const row = this.#rows.get(keyOf(network, placeKey(payment)));
    return row?.kind === 'payment' && isCharged(row) ? row : undefined;
  }

  /** Whether a payment's nonce is of a row that was let go as never signed: a rebuilding counts it beside that (T29). */
  #isUnsigned(payment: ChainPayment, network: string): boolean {
    const row = this.#rows.get(keyOf(network, paymentKey(payment)));
    return row?.state === 'released' && row.payload === null;
  }

  /** What the rows that count a payment may be known by. */
  #keysOf(payment: ChainPayment, network: string): string[] {
    const named = typeof payment.named === 'string' ? [payment.named.toLowerCase()] : [];
    const isByPlace = this.#isUnsigned(payment, network) || this.#chargedAs(payment, network) !== undefined;
    const place = isByPlace ? [placeKey(payment)] : [];
    return [paymentKey(payment), ...named, ...place];
  }

  /** The payment of which a transfer's transaction names the nonce. One that was released counts nothing. */
  #namedBy({ named, to, amountAtomic }: ChainPayment, network: string): AnyAttempt | undefined {
    if (typeof named !== 'string') return undefined;
    const row = this.#rows.get(keyOf(network, named.toLowerCase()));
    const isIt =
      row !== undefined &&
      row.state !== 'released' &&
      row.payTo.toLowerCase() === to.toLowerCase() &&
      amountAtomic <= row.heldAtomic;
    return isIt ? row : undefined;
  }

  /** The open payment that a transfer may be of, where what was signed leaves no nonce on the chain. */
  #openFor({ nonce, to, amountAtomic }: ChainPayment, network: string): AnyAttempt | undefined {
    if (nonce !== null) return undefined;
    return [...this.#rows.values()].find(
      (row) =>
        row.network === network &&
        isLive(row.state) &&
        row.payTo.toLowerCase() === to.toLowerCase() &&
        amountAtomic <= row.heldAtomic,
    );
  }

  /** A history is for comparing: what is counted again rests on the same proof as any other capture. */
  async #mend(row: AnyAttempt, shown: string): Promise<void> {
    const place = settlementPlaceOf(this.#config, this.#keys, this.#ledger, this.#nowMs);
    const verdict = await settleAttempt(place, row, AbortSignal.timeout(LOOK_MS_MAX));
    if (verdict.attempt.state === 'captured') this.recaptured.push(verdict);
    else
      this.find(
        row.id,
        `The ledger has it released; the chain shows ${shown}, which is not proved: ${verdict.message}`,
      );
  }

  #findUnshown(shown: ReadonlySet<string>, network: Network, asset: Asset): void {
    for (const row of new Set(this.#rows.values())) {
      if (row.network !== network.caip2 || row.asset !== asset.address) continue;
      if (openedWallMs(row) < this.#sinceMs + EDGE_MS || shown.has(row.nonce)) continue;
      const place = placeOf(row);
      if (place !== null && shown.has(place)) continue;
      // What another Lightning wallet paid, this one cannot show.
      const isElsewhere = network.family === 'lightning' && row.payFrom !== lightningWalletId(this.#keys);
      // What is paid out of a deposit leaves no trace of its own, and nor does a deposit's nonce.
      const isOfDeposit = row.kind === 'payment' && (isDrawn(row) || isDeposit(row));
      if (row.state !== 'captured' || !row.confirmed || isElsewhere || isOfDeposit) continue;
      this.find(row.id, 'The ledger has it captured and confirmed; the chain does not show it.');
    }
  }
}

/** Rows by their nonce, and by their place on the chain. */
async function byNonce(ledger: Ledger, sinceMs: number): Promise<Map<string, AnyAttempt>> {
  const rows = new Map<string, AnyAttempt>();
  let cursor: string | null = null;
  do {
    const page = await ledger.listAttempts({ sinceMs }, PAGE_ROWS, cursor);
    for (const attempt of page.attempts) {
      rows.set(keyOf(attempt.network, attempt.nonce.toLowerCase()), attempt);
      const place = placeOf(attempt);
      if (place !== null) rows.set(keyOf(attempt.network, place), attempt);
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return rows;
}

/** A transfer's place on the chain, for what leaves no nonce there; null while it is not known. */
function placeOf({ tx, payTo, capturedAtomic }: AnyAttempt): string | null {
  if (tx === null || capturedAtomic === null) return null;
  return placeKey({ tx, to: payTo, amountAtomic: capturedAtomic });
}

function placeKey({ tx, to, amountAtomic }: Pick<ChainPayment, 'tx' | 'to' | 'amountAtomic'>): string {
  return paymentKey({ nonce: null, tx, to, amountAtomic });
}

function keyOf(network: string, key: string): string {
  return `${network} ${key}`;
}
