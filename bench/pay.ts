// What a paid call costs beside the bare published client of its chain: seller and chain in this process, each payer in one of its own.
// Use: npm run bench:pay -- [--chain base|solana|tempo|mpp-evm|mpp-solana] [--rounds N] [--beside DIR] [--profile DIR]
// The first two pay by x402, the others by charges of MPP.
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createPublicClient, http } from 'viem';
import { tempoModerato } from 'viem/tempo/chains';
import { createBuyer } from '../sandbox/buyer.ts';
import { createMppBuyer, type MppMethod } from '../sandbox/mppBuyer.ts';
import { startMppShop } from '../sandbox/mppShop.ts';
import { startSandbox } from '../sandbox/world.ts';
import type { WalletOptions } from '../src/wallet/engine.js';
import type { Wallet as WalletOfTree } from '../src/wallet/wallet.js';
import type * as testWallet from '../test/support/testWallet.js';
import type { GroundName } from '../test/support/world.js';
import { mppUrl, PRICE_USD } from './mppCall.js';
import { OPEN_LIMITS } from './openLimits.js';
import { line, sampleOf } from './percentile.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WARM_UP = 15;
const FUNDS_ATOMIC = 50_000_000n;

/** What is bought: where the money is, and by which method of MPP it is paid; by x402 where none is named. */
interface Course {
  readonly ground: GroundName;
  readonly method?: MppMethod;
}

const COURSES: Readonly<Record<string, Course>> = {
  base: { ground: 'base' },
  solana: { ground: 'solana' },
  tempo: { ground: 'tempo', method: 'tempo' },
  'mpp-evm': { ground: 'base', method: 'evm' },
  'mpp-solana': { ground: 'solana', method: 'solana' },
};

/** Who pays: the bare client, or the wallet of the sources in a folder. */
type Payer =
  | {
      readonly kind: 'bare';
      readonly course: Course;
      readonly solanaUrl: string;
      readonly tempoUrl: string;
    }
  | { readonly kind: 'wallet'; readonly tree: string; readonly home: string; readonly passphrase: string };

/** What the leading process asks of a payer. */
type Order = { readonly pay: string } | { readonly end: true };

/** What a payer answers: that it is ready, a call's time, or a wish for money. `cpuMs` is of its process since its start. */
type Report =
  | { readonly kind: 'ready'; readonly cpuMs: number }
  | { readonly kind: 'paid'; readonly ms: number; readonly cpuMs: number; readonly steps: readonly Step[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'fund'; readonly address: string; readonly atomic: string };

/** A step of a call and how long it took, ms; what lies between two of them is a step named by both. */
type Step = readonly [name: string, ms: number];

function report(message: Report): void {
  process.send?.(message);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** One payer, in its own process. */
async function serve(payer: Payer): Promise<void> {
  const { pay, close } = payer.kind === 'bare' ? await openBare(payer) : await openWallet(payer);
  process.on('message', (order: Order) => {
    if (!('pay' in order)) {
      void close().then(() => process.disconnect());
      return;
    }
    const steps = new Steps();
    pay(order.pay, steps).then(
      () => report({ kind: 'paid', ...steps.end(), cpuMs: cpuMs() }),
      (error: unknown) => report({ kind: 'failed', message: String(error) }),
    );
  });
  report({ kind: 'ready', cpuMs: cpuMs() });
}

/** Notes the steps of one call, one after the other. */
class Steps {
  readonly #startedMs = performance.now();
  readonly #steps: Step[] = [];
  #last = 'begin';
  #lastMs = this.#startedMs;

  /** A step begins; the answer ends it. */
  begin(name: string): () => void {
    const beganMs = this.#note(`${this.#last} to ${name}`);
    this.#lastMs = beganMs;
    return () => {
      this.#lastMs = this.#note(name);
      this.#last = name;
    };
  }

  end(): { readonly ms: number; readonly steps: readonly Step[] } {
    const nowMs = this.#note(`${this.#last} to end`);
    return { ms: nowMs - this.#startedMs, steps: this.#steps };
  }

  #note(name: string): number {
    const nowMs = performance.now();
    this.#steps.push([name, nowMs - this.#lastMs]);
    return nowMs;
  }
}

interface Till {
  readonly pay: (url: string, steps: Steps) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function openBare({ course, solanaUrl, tempoUrl }: Extract<Payer, { kind: 'bare' }>): Promise<Till> {
  const fund = async (address: string, atomic: bigint): Promise<void> => {
    const funded = new Promise((resolve) => process.once('message', resolve));
    report({ kind: 'fund', address, atomic: atomic.toString() });
    await funded;
  };
  const balanceOf = async (): Promise<bigint> => Promise.resolve(0n);
  const client = createPublicClient({ chain: tempoModerato, transport: http(tempoUrl) });
  const openBuyer = async (): Promise<{ readonly pay: (url: string) => Promise<Response> }> => {
    const { ground, method } = course;
    if (method !== undefined) return createMppBuyer({ fund, client, solanaUrl }, FUNDS_ATOMIC, method);
    const world = { chain: { fund, balanceOf }, solana: { fund, balanceOf, url: solanaUrl } };
    return createBuyer(world, '50', ground === 'solana' ? ground : 'base');
  };
  const timedFetch: typeof fetch = async (...args) => {
    const end = steps?.begin(asks++ === 0 ? 'probe' : 'send');
    const response = await plainFetch(...args);
    end?.();
    return response;
  };
  const plainFetch = globalThis.fetch;
  let steps: Steps | undefined;
  let asks = 0;
  globalThis.fetch = timedFetch;
  const buyer = await openBuyer();
  return {
    async pay(url, noted) {
      [steps, asks] = [noted, 0];
      const response = await buyer.pay(url);
      const text = await response.text();
      if (!response.ok) throw new Error(`The bare client was answered ${response.status}: ${text}`);
    },
    close: async () => Promise.resolve(),
  };
}

async function openWallet({ tree, home, passphrase }: Extract<Payer, { kind: 'wallet' }>): Promise<Till> {
  const { Wallet } = (await import(pathToFileURL(join(tree, 'src/wallet/wallet.ts')).href)) as {
    readonly Wallet: typeof WalletOfTree;
  };
  const options: WalletOptions = {
    ...{ home, version: '0.0.0-bench', env: {}, platform: process.platform, now: Date.now },
    passphrase: async () => Promise.resolve(passphrase),
  };
  const wallet = new Wallet(options, { reconcile: true });
  await wallet.warm();
  return {
    async pay(url, steps) {
      const { signal } = new AbortController();
      const trace = { step: (name: string) => steps.begin(name), payment: () => undefined };
      const { code, message } = await wallet.pay({ url, max_usd: PRICE_USD }, { signal, trace });
      if (code !== 'paid') throw new Error(`A call of the bench was not paid: ${code} ${message}`);
    },
    close: () => wallet.close(),
  };
}

/** A payer as the leading process has it. */
class Hand {
  readonly name: string;
  readonly ms: number[] = [];
  /** CPU of its process from one call to the next, so that what it does behind its answers counts. */
  readonly cpuMs: number[] = [];
  readonly steps = new Map<string, number[]>();
  readonly #child: ChildProcess;
  #cpuMs = 0;

  constructor(name: string, profile: string | undefined) {
    this.name = name;
    const execArgv = [...process.execArgv];
    if (profile !== undefined) execArgv.push('--cpu-prof', `--cpu-prof-dir=${join(profile, name)}`);
    this.#child = fork(fileURLToPath(import.meta.url), [], { execArgv });
  }

  async start(payer: Payer, fund: (address: string, atomic: bigint) => Promise<void>): Promise<this> {
    this.#child.send(payer);
    let came = await this.#next();
    if (came.kind === 'fund') {
      await fund(came.address, BigInt(came.atomic));
      this.#child.send({ funded: true });
      came = await this.#next();
    }
    if (came.kind === 'ready') this.#cpuMs = came.cpuMs;
    return this;
  }

  async pay(url: string, counts: boolean): Promise<void> {
    this.#child.send({ pay: url } satisfies Order);
    const came = await this.#next();
    if (came.kind !== 'paid') throw new Error(`${this.name}: ${JSON.stringify(came)}`);
    if (counts) {
      this.ms.push(came.ms);
      this.cpuMs.push(came.cpuMs - this.#cpuMs);
      for (const [name, ms] of came.steps) {
        const durations = this.steps.get(name) ?? [];
        this.steps.set(name, durations);
        durations.push(ms);
      }
    }
    this.#cpuMs = came.cpuMs;
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ end: true } satisfies Order);
    await ended;
  }

  #next(): Promise<Report> {
    return new Promise((resolve, reject) => {
      const died = (code: number | null): void => reject(new Error(`${this.name} ended with ${code}`));
      this.#child.once('exit', died);
      this.#child.once('message', (message) => {
        this.#child.off('exit', died);
        resolve(message as Report);
      });
    });
  }
}

async function lead(): Promise<void> {
  const { values } = parseArgs({
    options: {
      chain: { type: 'string', default: 'base' },
      rounds: { type: 'string', default: '80' },
      beside: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const course = COURSES[values.chain];
  if (course === undefined) throw new Error(`--chain is one of ${Object.keys(COURSES).join(', ')}.`);
  const { ground, method } = course;
  const trees = [
    ...(values.beside === undefined
      ? []
      : [{ name: `wallet-of-${values.beside.split('/').at(-1)}`, tree: values.beside }]),
    { name: 'wallet', tree: ROOT },
  ];
  const sandbox = await startSandbox();
  const tempo = ground === 'tempo' ? await sandbox.addTempo() : undefined;
  const mppShop =
    method === undefined
      ? undefined
      : await startMppShop({ ...sandbox, ...(tempo === undefined ? {} : { tempo: tempo.chain }) });
  const wallets: testWallet.TestWallet[] = [];
  const hands: Hand[] = [];
  try {
    const fund = async (address: string, atomic: bigint): Promise<void> => {
      if (ground === 'solana') await sandbox.solana.fund(address, atomic);
      else await (tempo?.chain ?? sandbox.chain).fund(address as `0x${string}`, atomic);
    };
    const bare = new Hand('bare', values.profile);
    hands.push(bare);
    await bare.start(
      {
        kind: 'bare',
        course,
        solanaUrl: sandbox.solana.url,
        tempoUrl: tempo?.chain.url ?? 'http://127.0.0.1:1',
      },
      fund,
    );
    for (const { name, tree } of trees) {
      // Each tree makes the folder of its own wallet: an older one may not read what a newer one writes.
      const support = (await import(pathToFileURL(join(tree, 'test/support/testWallet.ts')).href)) as Pick<
        typeof testWallet,
        'createTestWallet' | 'TEST_PASSPHRASE'
      >;
      const settings = {
        ...Object.fromEntries(OPEN_LIMITS),
        ...(mppShop === undefined ? {} : { 'net.allow_private': JSON.stringify([mppShop.hostPort]) }),
      };
      const test = await support.createTestWallet(sandbox, FUNDS_ATOMIC, { chain: ground, tempo });
      for (const [key, value] of Object.entries(settings)) await test.set(key, value);
      wallets.push(test);
      const hand = new Hand(name, values.profile);
      hands.push(hand);
      await hand.start({ kind: 'wallet', tree, home: test.home, passphrase: support.TEST_PASSPHRASE }, fund);
    }
    const rounds = Number(values.rounds);
    for (let i = 0; i < WARM_UP + rounds; i++) {
      // In another order each time, so that nobody always comes behind the same one.
      for (let k = 0; k < hands.length; k++) {
        const hand = hands[(i + k) % hands.length];
        const url =
          mppShop === undefined || method === undefined
            ? `${sandbox.shop.url}/v2/price/${PRICE_USD}?chain=${ground}&${hand?.name ?? ''}=${i}`
            : mppUrl(mppShop, method, `${hand?.name ?? ''}${i}`);
        // A real chain makes blocks by itself; against an old one a transaction seems to live for too long.
        await tempo?.chain.mine();
        await hand?.pay(url, i >= WARM_UP);
      }
    }
    console.log(`Whole paid call on ${values.chain}, 402 to answer; ms: p50, p95, runs`);
    for (const { name, ms } of hands) console.log(line(name, sampleOf(ms)));
    console.log('CPU of the payer a call; ms: p50, p95, runs; and the mean');
    for (const { name, cpuMs } of hands)
      console.log(
        `${line(name, sampleOf(cpuMs))}   ${(cpuMs.reduce((a, b) => a + b, 0) / cpuMs.length).toFixed(2)}`,
      );
    for (const { name, steps } of hands) {
      console.log(`Steps of ${name}; ms: p50, p95, runs`);
      for (const [step, ms] of steps) console.log(line(step, sampleOf(ms)));
    }
    for (const { name, ms } of hands.slice(1))
      console.log(
        `  ${name} / bare, p50: ${(sampleOf(ms).p50 / sampleOf(bare.ms).p50).toFixed(2)} (aim: at most 1.15)`,
      );
  } finally {
    for (const hand of hands) await hand.end();
    for (const test of wallets) await test.remove();
    await mppShop?.close();
    await sandbox.stop();
  }
}

if (process.send === undefined) await lead();
else process.once('message', (payer: Payer) => void serve(payer));
