import { setTimeout as delay } from 'node:timers/promises';
import { LightningNode, type PayBehaviour } from '../../../sandbox/lightning/node.ts';
import { serveLnd } from '../../../sandbox/lightning/lndRest.ts';
import { startNostrRelay } from '../../../sandbox/lightning/nostrRelay.ts';
import { serveNwc } from '../../../sandbox/lightning/nwcWallet.ts';
import { startLightningShop, type LightningShop } from '../../../sandbox/lightning/shop.ts';
import { readInvoice } from '../../../src/protocols/l402/invoice.js';
import type { Random } from '../../support/random.js';
import type { PaidOnChain } from '../../support/world.js';
import type { Witness } from '../exposure.js';

/** By which interface the owner's node is reached. */
export type LightningWay = 'lnd' | 'nwc';

/** The Lightning side of a torture: the owner's node, how it is reached, and what sells for it. */
export interface LightningSide {
  readonly way: LightningWay;
  readonly node: LightningNode;
  readonly shop: LightningShop;
  /** What the owner pastes. */
  readonly connection: string;
  /** What it had at the start, msat. */
  readonly fundedMsat: bigint;
  /** Whether the wallets find it. */
  setDown(isDown: boolean): void;
  /** What left it, as the node's own books have it. */
  payments(): readonly PaidOnChain[];
  /** Has payees take or let go of what they hold, until the time is over. */
  settleHeld(random: Random, isOver: () => boolean, counts: Map<string, number>): Promise<void>;
  /** Waits for all that was asked for late, and has payees take or let go of all that is left. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

const FUNDS_MSAT = 1_000_000_000n;
/** How an invoice is met: in hundred. The rest is paid at once. */
const SHARES: readonly (readonly [number, (random: Random) => PayBehaviour])[] = [
  [12, () => ({ kind: 'fails' })],
  [14, (random) => ({ kind: 'holds', feeMsat: feeOf(random) })],
  [12, (random) => ({ kind: 'pays_in_silence', feeMsat: feeOf(random) })],
  [6, () => ({ kind: 'deaf' })],
  [8, (random) => ({ kind: 'acts_late', afterMs: random.below(ACTS_LATE_MS_MAX) })],
];
/** Within what the wallet bounds it to: a node that takes more breaks every cap, and is stopped for it (T40). */
const FEE_MSAT_MAX = 10_000;
const ACTS_LATE_MS_MAX = 8_000;
const LOOK_EVERY_MS = 100;
const HELD_MS_MAX = 20_000;
/** Of what payees hold they take so much, in hundred; the rest they let go. */
const TAKEN_PERCENT = 60;
/** A relay brings so many of a hundred events late or twice, and how late. */
const ODD_PERCENT = 25;
const LATE_MS_MAX = 6_000;

function feeOf(random: Random): bigint {
  return BigInt(random.below(FEE_MSAT_MAX));
}

function drawBehaviour(random: Random): PayBehaviour {
  let at = random.below(100);
  for (const [share, behaviour] of SHARES) {
    if (at < share) return behaviour(random);
    at -= share;
  }
  return { kind: 'pays', feeMsat: feeOf(random) };
}

/** Starts it. A satoshi is a thousandth of a dollar here, so that a millisatoshi is a micro-dollar. */
export async function startLightningSide(
  way: LightningWay,
  parts: { readonly witness: Witness; readonly random: Random; readonly now: () => number },
): Promise<LightningSide> {
  const { witness, random, now } = parts;
  const preimages = new Map<string, string>();
  const node = new LightningNode(FUNDS_MSAT, preimages, now);
  const shop = await startLightningShop(new LightningNode(0n, preimages, now));
  node.otherwise = () => drawBehaviour(random);
  watchNode(node, shop, witness);
  const relay = way === 'nwc' ? await startNostrRelay() : null;
  if (relay !== null)
    relay.passes = () => {
      if (!random.percent(ODD_PERCENT)) return [0];
      const lateMs = 1 + random.below(LATE_MS_MAX);
      return random.percent(50) ? [0, lateMs] : [lateMs];
    };
  const lnd = relay === null ? await serveLnd(node) : null;
  const nwc = relay === null ? null : await serveNwc(node, relay.url);
  const held = (): string[] =>
    [...node.payments.values()]
      .filter(({ state }) => state === 'in_flight')
      .map(({ paymentHash }) => paymentHash);
  const end = (paymentHash: string): string => {
    const isTaken = random.percent(TAKEN_PERCENT);
    if (isTaken) node.settle(paymentHash);
    else {
      node.cancel(paymentHash);
      witness.noteFailed(`0x${paymentHash}`);
    }
    return isTaken ? 'hold invoice taken' : 'hold invoice let go';
  };
  return {
    ...{ way, node, shop, fundedMsat: FUNDS_MSAT, connection: (lnd ?? nwc)!.connection },
    setDown: (isDown) => (relay ?? lnd)!.setDown(isDown),
    payments: () =>
      [...node.payments.values()]
        .filter(({ state }) => state === 'paid')
        .map(({ paymentHash, amountMsat, feeMsat }) => ({
          ...{ nonce: `0x${paymentHash}`, to: shop.payee, transaction: paymentHash },
          amountAtomic: amountMsat + feeMsat,
        })),
    async settleHeld(own, isOver, counts) {
      const dueMs = new Map<string, number>();
      while (!isOver()) {
        await delay(LOOK_EVERY_MS);
        for (const paymentHash of held()) {
          const atMs = dueMs.get(paymentHash) ?? Date.now() + own.below(HELD_MS_MAX);
          dueMs.set(paymentHash, atMs);
          if (Date.now() < atMs) continue;
          const kind = end(paymentHash);
          counts.set(kind, (counts.get(kind) ?? 0) + 1);
        }
      }
    },
    async rest() {
      await delay(LATE_MS_MAX + ACTS_LATE_MS_MAX);
      for (const paymentHash of held()) end(paymentHash);
      node.otherwise = () => ({ kind: 'pays' });
      if (relay !== null) relay.passes = null;
    },
    async close() {
      await Promise.all([lnd?.close(), nwc?.close()]);
      await relay?.close();
      await shop.close();
    },
  };
}

/** Takes note of each request to pay as it reaches the node, and of what the node's books say it came to. */
function watchNode(node: LightningNode, shop: LightningShop, witness: Witness): void {
  const pay = node.pay.bind(node);
  node.pay = async (text, feeMaxMsat) => {
    const invoice = readInvoice(text);
    if (typeof invoice === 'string') throw new Error(`an invoice that ${invoice}`);
    const { paymentHash, amountMsat } = invoice;
    const nonce = `0x${paymentHash}`;
    const wishId = shop.challenges.find((one) => one.paymentHash === paymentHash)?.path.split('/')[3] ?? '';
    const asked = pay(text, feeMaxMsat);
    const note = (): void => {
      const row = node.payments.get(paymentHash);
      if (row !== undefined) witness.noteAsked(nonce, amountMsat + row.feeMsat, wishId);
      if (row?.state === 'failed') witness.noteFailed(nonce);
    };
    note();
    const answer = await asked;
    note();
    return answer;
  };
}
