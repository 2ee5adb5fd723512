import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import { paymentsIn } from '../support/books.js';
import { PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';
import type { TestWallet } from '../support/testWallet.js';
import { PROGRAM } from '../mcp/purser.js';
import { RawAgent } from './rawAgent.js';
import { addAgents, Served, type FundedAgent } from './served.js';

/** How hard a server is tried. */
export interface LoadOptions {
  readonly agents: number;
  /** At once for each agent; every other one speaks the newer era. */
  readonly clients: number;
  readonly seconds: number;
  /** How a call must have ended, and how often, before the time can be over: a slow machine must not make it a mild one. */
  readonly atLeast?: { readonly code: string; readonly calls: number };
  /** How long a client thinks between two rounds of calls, in seconds, half of it to one and a half; not at all unless given. */
  readonly thinkSec?: number;
  /** Kills the server with SIGKILL after so long, and starts it again. */
  readonly killAfterSec?: number;
}

/** How one client goes about it. */
interface Driving {
  readonly isModern: boolean;
  readonly thinkSec: number;
  readonly isOver: () => boolean;
}

/** What came of it. */
export interface LoadReport {
  readonly calls: number;
  readonly codes: ReadonlyMap<string, number>;
  /** Calls without an answer, by what came instead. */
  readonly lost: ReadonlyMap<string, number>;
  /** Calls that the server asked to come again later. */
  readonly putOff: number;
  /** Milliseconds of each tool's calls, in order. */
  readonly tookMs: ReadonlyMap<string, readonly number[]>;
  /** What must never be: another agent's canary, a passed cap, a ledger that is not what the chain shows. */
  readonly broken: readonly string[];
  /** Captured payments of each agent. */
  readonly paid: readonly number[];
  /** Memory of the server's process in MiB: after the first quarter, and at the end. */
  readonly rssMiB: { readonly early: number; readonly late: number };
}

const PRICE = '0.01';
const PAYMENTS_PER_AGENT = 5;
/** A cap that is reached in the first seconds: from then on it has to hold. */
const CAP = '0.05';
const FUNDS_MICROS = 1_000_000n;
/** With what deploy/ has in NODE_OPTIONS. */
const AS_DEPLOYED = [process.execPath, '--max-semi-space-size=8', PROGRAM] as const;
const CANARY = /canary-[a-z]\d+x/g;

/** Runs agents against `purser serve` and the sandbox, each with a canary of its own in all it buys. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { agents, clients, seconds, atLeast, thinkSec = 0, killAfterSec } = options;
  const world = await startTestWorld();
  try {
    const wallet = await world.wallet();
    // Cap and ceiling in one: past it the answer is no, and nobody is asked.
    await wallet.set('limits.per_session_usd', CAP);
    await wallet.set('ceilings.per_session_usd', CAP);
    const names = Array.from({ length: agents }, (_, i) => `a${i}`);
    const funded = await addAgents(world.sandbox, wallet.open(), names, FUNDS_MICROS);
    const run = new LoadRun(world, wallet);
    await run.start();
    const endsMs = performance.now() + seconds * 1000;
    let restarted = killAfterSec === undefined;
    const killing = restarted
      ? null
      : pause((killAfterSec ?? 0) * 1000)
          .then(() => run.restart())
          .then(() => (restarted = true));
    const isOver = (): boolean =>
      performance.now() >= endsMs &&
      restarted &&
      (run.codes.get(atLeast?.code ?? '') ?? 0) >= (atLeast?.calls ?? 0);
    const watching = pause((seconds * 1000) / 4).then(() => run.rss());
    await Promise.all(
      funded.flatMap((agent) =>
        Array.from({ length: clients }, (_, i) =>
          run.drive(agent, { isModern: i % 2 === 1, thinkSec, isOver }),
        ),
      ),
    );
    await killing;
    const rssMiB = { early: await watching, late: run.rss() };
    await run.stop();
    const paid = await run.settle(funded);
    const { codes, lost, putOff, tookMs, broken, calls } = run;
    return { calls, codes, lost, putOff, tookMs, broken, paid, rssMiB };
  } finally {
    await world.stop();
  }
}

class LoadRun {
  readonly codes = new Map<string, number>();
  readonly lost = new Map<string, number>();
  readonly tookMs = new Map<string, number[]>();
  readonly broken: string[] = [];
  calls = 0;
  putOff = 0;
  readonly #world: TestWorld;
  readonly #wallet: TestWallet;
  #served: Served | undefined;
  #url = '';

  constructor(world: TestWorld, wallet: TestWallet) {
    this.#world = world;
    this.#wallet = wallet;
  }

  async start(port = 0): Promise<void> {
    const flags = port === 0 ? [] : ['--port', String(port)];
    this.#served = await Served.start(this.#wallet, flags, AS_DEPLOYED);
    this.#url = this.#served.url;
  }

  async restart(): Promise<void> {
    await this.#served?.stop('SIGKILL');
    this.#served?.removeLog();
    await this.start(Number(new URL(this.#url).port));
  }

  async stop(): Promise<void> {
    await this.#served?.stop();
    this.#served?.removeLog();
  }

  /** Resident memory of the server's process; 0 while there is none, and where the system does not tell. */
  rss(): number {
    const file = `/proc/${this.#served?.child.pid ?? 0}/status`;
    const status = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  /** One client: buys, looks at what it bought, and looks at the ledger, over and over. */
  async drive(agent: FundedAgent, { isModern, thinkSec, isOver }: Driving): Promise<void> {
    const client = new RawAgent(this.#url, agent.token, isModern);
    const canary = `canary-${agent.name}x`;
    for (let i = 0; !isOver(); i++) {
      // Before the first round, too: agents do not all begin in one moment.
      if (thinkSec > 0) await pause(thinkSec * 1000 * (i === 0 ? Math.random() : 0.5 + Math.random()));
      const url = this.#world.url(`/v2/price/${PRICE}`, { canary });
      const calls = [
        ['wallet_pay', { url, max_usd: PRICE, reason: canary }],
        ['wallet_ledger', i % 2 === 0 ? {} : { view: 'by_host' }],
      ] as const;
      for (const [tool, args] of calls) {
        const againSec = await this.#call(client, canary, tool, args);
        if (againSec > 0 && !isOver()) await pause(againSec * 1000);
      }
    }
    client.close();
  }

  /** One call; answers after how many seconds to go on. */
  async #call(client: RawAgent, canary: string, tool: string, args: object): Promise<number> {
    const startedMs = performance.now();
    const result = await client.call(tool, args);
    this.calls += 1;
    if ('againSec' in result) {
      this.putOff += 1;
      return result.againSec;
    }
    if ('lost' in result) {
      this.lost.set(result.lost, (this.lost.get(result.lost) ?? 0) + 1);
      // A server that is being started again is not asked a thousand times a second.
      return 0.05;
    }
    const { code } = result.outcome;
    this.codes.set(`${tool} ${code}`, (this.codes.get(`${tool} ${code}`) ?? 0) + 1);
    const took = this.tookMs.get(tool) ?? [];
    took.push(performance.now() - startedMs);
    this.tookMs.set(tool, took);
    for (const [seen] of result.text.matchAll(CANARY)) {
      if (seen !== canary) this.broken.push(`${canary} was shown ${seen}`);
    }
    return 0;
  }

  /** Brings every payment to its end and holds ledger against chain, agent by agent. */
  async settle(funded: readonly FundedAgent[]): Promise<number[]> {
    const engine = await this.#wallet.open().engine();
    await this.#world.advance(PAST_EXPIRY_SEC);
    await reconcileAll(engine, new AbortController().signal);
    const payments = await paymentsIn(engine);
    const { chain } = this.#world.sandbox;
    const paid: number[] = [];
    for (const { name, address } of funded) {
      const own = payments.filter(({ agent }) => agent === name);
      const captured = own.filter(({ state }) => state === 'captured');
      const open = own.filter(({ state }) => state !== 'captured' && state !== 'released');
      if (open.length > 0) this.broken.push(`${name} has ${open.length} payments that are still open`);
      if (own.some(({ payFrom, url }) => payFrom !== address || !url.includes(`canary-${name}x`)))
        this.broken.push(`${name} has a payment of another’s`);
      const onChain = (await chain.payments(address)).map(({ nonce }) => nonce).sort();
      const inLedger = captured.map(({ nonce }) => nonce).sort();
      if (JSON.stringify(onChain) !== JSON.stringify(inLedger))
        this.broken.push(
          `${name}: the chain shows ${onChain.length} payments, the ledger ${inLedger.length}`,
        );
      const left = await chain.balanceOf(address);
      const spent = captured.reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
      if (left !== FUNDS_MICROS - spent) this.broken.push(`${name} has ${left} left and spent ${spent}`);
      if (captured.length > PAYMENTS_PER_AGENT)
        this.broken.push(`${name} passed its cap: ${captured.length}`);
      paid.push(captured.length);
    }
    for (const { says } of (await engine.ledger.audit()).findings) this.broken.push(`audit: ${says}`);
    return paid;
  }
}

/** The value that this share of a sample lies under. */
export function percentile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** A report in lines. */
export function describeLoad(report: LoadReport, seconds: number): string {
  const counts = (map: ReadonlyMap<string, number>): string =>
    [...map].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
  const tools = [...report.tookMs].map(
    ([tool, took]) =>
      `${tool.padEnd(16)} ${took.length} calls; ms p50 ${percentile(took, 0.5)}, p99 ${percentile(took, 0.99)}, most ${percentile(took, 1)}`,
  );
  return [
    `${report.calls} calls in ${seconds} s (${Math.round(report.calls / seconds)} a second)`,
    ...tools,
    `ended as         ${counts(report.codes)}`,
    `asked to wait    ${report.putOff}`,
    `without answer   ${counts(report.lost)}`,
    `paid per agent   ${Math.min(...report.paid)} to ${Math.max(...report.paid)}, cap ${PAYMENTS_PER_AGENT}`,
    `server memory    ${report.rssMiB.early} MiB after a quarter, ${report.rssMiB.late} MiB at the end`,
    `broken           ${report.broken.length === 0 ? 'nothing' : report.broken.slice(0, 20).join('; ')}`,
  ].join('\n');
}
