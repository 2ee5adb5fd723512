import { createLightningChain } from '../../../src/chain/lightning/lightningChain.js';
import {
  walletIdOf,
  writeConnection,
  type LightningConnection,
} from '../../../src/chain/lightning/connection.js';
import { initialSettings, type Config } from '../../../src/config/settings.js';
import type { CommitPoint } from '../../../src/ledger/commitPoint.js';
import type { Payment } from '../../../src/ledger/attempts/payment.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { capLine, CENT, holdRequest, newLedger, T0 } from '../../../src/ledger/sqlite/fixtures.js';
import { assetsOf } from '../../../src/money/asset.js';
import { findLightning } from '../../../src/money/network.js';
import { MPP } from '../../../src/protocols/protocol.js';
import { Rails } from '../../../src/rails/table.js';
import type { PaidCall } from '../../../src/wallet/call/paidCall.js';
import { ClockWatch } from '../../../src/wallet/clock/clockWatch.js';
import type { Engine } from '../../../src/wallet/engine.js';
import { noteLease, underLease } from '../../../src/wallet/leaseKeeper.js';
import { prepay } from '../../../src/wallet/purchase/prepay.js';
import { Funds } from '../../../src/wallet/settle/funds.js';
import { Killed } from '../world.js';
import { NodeSim } from './node.js';

const NETWORK = findLightning('bcrt')!;
const ASSET = assetsOf(NETWORK.caip2)[0]!;
const CONNECTIONS: Readonly<Record<'nwc' | 'lnd', LightningConnection>> = {
  nwc: { kind: 'nwc', walletKey: 'aa'.repeat(32), relays: ['wss://relay.example'], secret: 'bb'.repeat(32) },
  lnd: {
    ...{ kind: 'lnd', origin: 'https://node.example', macaroon: 'cc'.repeat(32), certificate: null },
    nodeId: `02${'dd'.repeat(32)}`,
  },
};
/** A millisatoshi is a micro-dollar here, and routing may cost a cent. */
const FEE_MSAT_MAX = CENT;
const DAY_SEC = 86_400;
export const LINES = [
  capLine({
    name: 'session',
    scope: { kind: 'session', agent: 'default', sessionId: 'ses_1' },
    windowSec: null,
    usdMicrosMax: 25n * CENT,
  }),
  capLine({ name: 'day', windowSec: DAY_SEC, usdMicrosMax: 15n * CENT }),
];
const CONFIG: Config = {
  ...initialSettings(false),
  ...{ version: 1, walletId: '0'.repeat(32), keystore: 'file', testnet: false },
};
const UNPROVED = `Payment ${Buffer.from(JSON.stringify({ challenge: { id: 'x' }, payload: {} })).toString('base64url')}`;
/** As long as a request to pay is good after it was written down. */
const ASK_SEC = 90;

export interface Process {
  readonly engine: Engine;
  readonly ledger: Ledger;
  isAlive: boolean;
  killAt: { readonly point: CommitPoint; readonly when: 'before' | 'after' } | null;
}

/** One life of a wallet that pays by Lightning: a real ledger, two processes, and a node of which all is known. */
export class LightningLife implements Disposable {
  nowMs = T0;
  readonly node: NodeSim;
  readonly hashes: string[] = [];
  readonly ids: string[] = [];
  readonly #connection: LightningConnection;
  readonly #store = newLedger();
  readonly #processes: (Process | null)[] = [null, null];

  constructor(way: 'nwc' | 'lnd') {
    this.#connection = CONNECTIONS[way];
    this.node = new NodeSim(way, () => this.nowMs / 1000);
  }

  process(slot: number): Process {
    const known = this.#processes[slot];
    if (known?.isAlive === true) return known;
    const started = this.#start();
    this.#processes[slot] = started;
    return started;
  }

  /** Does something in a process; `killed` where that ends in it. */
  async inside(slot: number, work: (process: Process) => Promise<string>): Promise<string> {
    const process = this.process(slot);
    try {
      const came = await work(process);
      return process.isAlive ? came : 'killed';
    } catch (error) {
      if (process.isAlive) throw error;
      return 'killed';
    }
  }

  /** Buys for so much, in a process; a word for what came of it. */
  buy(slot: number, cents: number): Promise<string> {
    return this.inside(slot, async (process) => {
      const { text, hash, endsSec } = this.node.invoice(BigInt(cents) * CENT);
      const heldAtomic = BigInt(cents) * CENT + FEE_MSAT_MAX;
      const result = await process.ledger.openHold(
        holdRequest({
          ...{ protocol: MPP, scheme: 'charge', network: NETWORK.caip2, asset: ASSET.address },
          ...{ payFrom: walletIdOf(this.#connection), payTo: this.node.payee, nonce: `0x${hash}` },
          ...{ heldAtomic, heldUsdMicros: heldAtomic, validAfterSec: 0, validBeforeSec: endsSec },
          ...{ capLines: LINES, nowMs: this.nowMs },
        }),
      );
      if (result.kind !== 'held') return result.kind;
      const { payment } = result;
      this.hashes.push(hash);
      this.ids.push(payment.id);
      await underLease(process.engine, payment.id, () => this.#pay(process, payment, text));
      return 'asked';
    });
  }

  async #pay({ engine, ledger }: Process, { id }: Payment, invoice: string): Promise<void> {
    const payload = {
      ...{ name: 'AUTHORIZATION', value: UNPROVED, invoice },
      askUntilSec: Math.floor(this.nowMs / 1000) + ASK_SEC,
    };
    const send = { configVersion: 1, capLines: LINES, nowMs: this.nowMs };
    const askedMs = performance.now();
    const { signed, sent } = await ledger.signAndSend(id, payload, send);
    if (signed.kind !== 'done' || sent.kind !== 'done') return;
    await noteLease(engine, id, askedMs);
    const call = {
      ...{ engine, context: {} },
      deadline: { sellerMs: () => 60_000, signal: new AbortController().signal },
    } as unknown as PaidCall;
    const target = { url: new URL('https://api.example.com/'), method: 'GET' };
    await prepay(call, { payment: sent.attempt, payload, target } as never, CONFIG);
  }

  kill(slot: number): void {
    const process = this.#processes[slot];
    if (process?.isAlive !== true) return;
    process.isAlive = false;
    void process.ledger.close();
  }

  #start(): Process {
    const clock = new ClockWatch(
      () => this.nowMs,
      () => this.nowMs,
    );
    const die = (point: CommitPoint, when: 'before' | 'after'): void => {
      const { killAt } = started;
      if (killAt?.point !== point || killAt.when !== when) return;
      started.killAt = null;
      started.isAlive = false;
      setImmediate(() => void started.ledger.close());
      throw new Killed();
    };
    const ledger = this.#store.open({
      clock,
      observer: {
        beforeCommit: (point) => die(point, 'before'),
        afterCommit: (point) => die(point, 'after'),
      },
    });
    const chain = createLightningChain({
      ...{ network: NETWORK, nowMs: () => this.nowMs, lightning: () => writeConnection(this.#connection) },
      open: () => Promise.resolve(this.node),
    });
    const keys = { lightning: { stoppedBy: () => null, stop: () => Promise.resolve() } };
    const engine = {
      ...{ ledger, clock, keys, agent: 'default', funds: new Funds(ledger), rails: new Rails() },
      ...{ now: () => this.nowMs, config: () => CONFIG, closing: new AbortController().signal },
      ...{ renewCheckpoint: () => undefined, noteSettled: () => undefined, hasRead: () => true },
      ...{ chain: () => chain, chainOf: () => chain },
      railPorts: () => Promise.resolve({ chain: () => chain, nowMs: () => this.nowMs }),
    };
    const started: Process = { engine: engine as unknown as Engine, ledger, isAlive: true, killAt: null };
    return started;
  }

  [Symbol.dispose](): void {
    this.kill(0);
    this.kill(1);
    this.#store[Symbol.dispose]();
  }
}
