import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { placeUrl } from '../../src/ledger/postgres/place.js';
import { formatUsd } from '../../src/money/decimal.js';
import { moveLedger } from '../../src/owner/ledger/ledgerMove.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Engine } from '../../src/wallet/engine.js';
import { addAgents, Served, type FundedAgent } from '../http/served.js';
import { ERAS } from '../mcp/purser.js';
import { paymentsIn } from '../support/books.js';
import { Cutter } from '../support/cutter.js';
import { NO_POSTGRES, TestPostgres } from '../support/postgres.js';
import { ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { CHAINS, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';
import { Buyer, type Wish } from './buyer.js';

/** What came of a run. */
export interface FleetReport {
  readonly seconds: number;
  readonly wishes: readonly Wish[];
  /** Answers that put an agent off, by code. */
  readonly putOff: ReadonlyMap<string, number>;
  /** Payments that each chain shows, by its label. */
  readonly onChain: ReadonlyMap<string, number>;
  readonly spentUsdMicros: bigint;
  readonly capUsdMicros: bigint;
  /** Rows of the ledger by state. */
  readonly states: ReadonlyMap<string, number>;
  /** How long nobody was paid, in ms: behind the kill of a server, and behind the stop of the primary. */
  readonly gapsMs: { readonly kill: number; readonly failover: number };
  readonly epochs: { readonly before: string; readonly after: string };
  readonly broken: readonly string[];
}

const AGENTS = 10;
const CAP_USD_MICROS = 4_000_000n;
const FUNDS_ATOMIC = 5_000_000n;
const PRICES = ['0.01', '0.02', '0.03', '0.04', '0.05'] as const;
/** When the blows fall, in payments that reached the shops: the cap lets some 130 through. */
const KILL_AT = 25;
const FAILOVER_AT = 55;
const FENCE_AT = 85;
const LOOK_EVERY_MS = 25;
/** Each blow comes within minutes, or the run is broken: nobody pays any more. */
const STAND_STILL_MS_MAX = 240_000;

type Says = (text: string) => void;

/** Starts all, pays, kills, fails over, and holds the books against the chains. Ends every process that it started. */
export async function runFleet(says: Says): Promise<FleetReport> {
  if (NO_POSTGRES !== null) throw new Error(NO_POSTGRES);
  const stops: (() => unknown)[] = [];
  const end = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  const starting = Fleet.start(stops, says);
  // Whatever is being started at this moment is ended, too.
  const interrupted = (): void =>
    void end()
      .then(() => starting.catch(() => undefined))
      .then(end)
      .finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return await (await starting).run();
  } finally {
    await end();
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
}

class Fleet {
  readonly #says: Says;
  readonly #stops: (() => unknown)[];
  readonly #world: TestWorld;
  readonly #wallet: TestWallet;
  readonly #homes: readonly string[];
  readonly #agents: readonly FundedAgent[];
  readonly #addresses: ReadonlyMap<string, readonly string[]>;
  readonly #primary: TestPostgres;
  readonly #standby: TestPostgres;
  /** The database's address, which stays where it is when another server answers at it. */
  readonly #address: Cutter;
  readonly #servers: Served[];
  readonly #broken: string[] = [];
  readonly #wishes: Wish[] = [];
  #isOver = false;

  private constructor(parts: {
    says: Says;
    stops: (() => unknown)[];
    world: TestWorld;
    wallet: TestWallet;
    homes: readonly string[];
    agents: readonly FundedAgent[];
    addresses: ReadonlyMap<string, readonly string[]>;
    primary: TestPostgres;
    standby: TestPostgres;
    address: Cutter;
    servers: Served[];
  }) {
    this.#says = parts.says;
    this.#stops = parts.stops;
    this.#world = parts.world;
    this.#wallet = parts.wallet;
    this.#homes = parts.homes;
    this.#agents = parts.agents;
    this.#addresses = parts.addresses;
    this.#primary = parts.primary;
    this.#standby = parts.standby;
    this.#address = parts.address;
    this.#servers = parts.servers;
  }

  static async start(stops: (() => unknown)[], says: Says): Promise<Fleet> {
    const primary = await TestPostgres.start({ wal_level: 'replica' });
    stops.push(() => primary.stop());
    const standby = await primary.standby('near');
    stops.push(() => standby.stop());
    await waitFor(primary, 'near');
    const address = await Cutter.before(primary.port);
    stops.push(() => address.close());
    const world = await startTestWorld();
    stops.push(() => world.stop());
    const cap = formatUsd(CAP_USD_MICROS);
    const wallet = await world.wallet({
      settings: {
        'networks.enabled': JSON.stringify(['eip155:84532', SOLANA_DEVNET]),
        'limits.per_day_usd': cap,
      },
    });
    // Cap and ceiling in one: past it the answer is no, and nobody is asked.
    await wallet.set('ceilings.per_day_usd', cap);
    const first = wallet.open();
    const names = Array.from({ length: AGENTS }, (_, i) => `agent-${i}`);
    const agents = await addAgents(world.sandbox, first, names, FUNDS_ATOMIC);
    const addresses = await fundOnSolana(await first.engine(), world, agents);
    await first.close();
    const place = { ...primary.place('fleet'), port: address.port };
    const to = { url: placeUrl(place), passwordFile: primary.passwordFile };
    const { rows } = await moveLedger(ownerOf(wallet.home, TEST_PASSPHRASE), to);
    says(`The ledger is in PostgreSQL (${rows} rows), and commits there wait for the standby`);
    const root = mkdtempSync(join(tmpdir(), 'purser-fleet-'));
    stops.push(() => rmSync(root, { recursive: true, force: true }));
    const second = join(root, 'home');
    mkdirSync(second, { mode: 0o700 });
    cpSync(wallet.home, second, { recursive: true });
    for (const end of ['', '-wal', '-shm']) rmSync(join(second, `ledger-copy.db${end}`), { force: true });
    const homes = [wallet.home, second];
    const servers: Served[] = [];
    stops.push(() => Promise.all(servers.map((one) => one.stop('SIGKILL').then(() => one.removeLog()))));
    for (const home of homes) servers.push(await serve(home, wallet));
    says(`Two servers answer: ${servers.map(({ url }) => url).join(' and ')}`);
    const parts = {
      says,
      stops,
      world,
      wallet,
      homes,
      agents,
      addresses,
      primary,
      standby,
      address,
      servers,
    };
    return new Fleet(parts);
  }

  async run(): Promise<FleetReport> {
    const startedMs = performance.now();
    const urls = this.#servers.map(({ url }) => url);
    const buyers = this.#agents.map((agent, i) => new Buyer(agent, urls, (ERAS[i % 2] ?? ERAS[0]).mode));
    const before = await epochOf(this.#primary);
    const shopping = Promise.all(buyers.map((buyer, i) => this.#shop(buyer, i)));
    let blows: FleetReport['gapsMs'];
    try {
      blows = await this.#strike(buyers);
      await shopping;
    } finally {
      this.#isOver = true;
      await shopping.catch(() => undefined);
      await Promise.all(buyers.map((buyer) => buyer.close()));
    }
    const seconds = (performance.now() - startedMs) / 1000;
    for (const served of this.#servers) {
      const { code } = await served.stop();
      if (code !== 0) this.#broken.push(`a server ended with ${code} when it was asked to end`);
    }
    const books = await this.#settle();
    const putOff = new Map<string, number>();
    for (const buyer of buyers)
      for (const [why, count] of buyer.putOff) putOff.set(why, (putOff.get(why) ?? 0) + count);
    // What they say of the database is true: it was away or went back, and it was never damaged.
    if (putOff.has('ledger_damaged')) this.#broken.push('a server took the ledger for damaged');
    const after = await epochOf(this.#standby);
    if (!(Number(after) > Number(before))) this.#broken.push(`the epoch is ${after} behind the failover`);
    return {
      ...{ seconds, putOff, ...books, wishes: this.#wishes, capUsdMicros: CAP_USD_MICROS },
      ...{ gapsMs: blows, epochs: { before, after }, broken: this.#broken },
    };
  }

  /** One agent: buys one thing after the other, some of them at both servers at once, until the cap is reached. */
  async #shop(buyer: Buyer, place: number): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const price = PRICES[(place + i) % PRICES.length] ?? '0.01';
      const query = i % 2 === 0 ? {} : { chain: 'solana' };
      const url = this.#world.url(`/v2/price/${price}`, { ...query, who: buyer.agent.name });
      const isTwin = i % 3 === 0;
      const ends = await Promise.all(
        (isTwin ? [place + i, place + i + 1] : [place + i]).map((first) => buyer.buy(url, first)),
      );
      this.#wishes.push(...ends);
      // The cheapest thing is refused: nothing is left.
      if (ends.every(({ end }) => end.startsWith('above')) && price === '0.01') return;
    }
  }

  /** The blows, each once enough was paid behind the one before. */
  async #strike(buyers: readonly Buyer[]): Promise<FleetReport['gapsMs']> {
    await this.#paid(KILL_AT);
    const [killed] = this.#servers;
    if (killed === undefined) throw new Error('No server');
    const port = new URL(killed.url).port;
    const killedMs = performance.now();
    await killed.stop('SIGKILL');
    killed.removeLog();
    await this.#paid(this.#reached() + 1);
    const kill = performance.now() - killedMs;
    this.#says(`A server was killed (-9); the other one paid ${Math.round(kill)} ms later`);
    this.#servers[0] = await serve(this.#homes[0] ?? '', this.#wallet, port);

    await this.#paid(FAILOVER_AT);
    const stoppedMs = performance.now();
    await this.#primary.crash();
    const reached = this.#reached();
    this.#standby.promote();
    this.#pointTo(this.#standby);
    // What was signed before is still under way: the first two behind it may be of before.
    await this.#paid(reached + 3);
    const failover = performance.now() - stoppedMs;
    this.#says(
      `The primary was stopped (immediate) and the standby promoted; payments went on ${Math.round(failover)} ms later`,
    );
    // The new primary gets a standby of its own, and waits for it.
    const further = await this.#standby.standby('far');
    this.#stops.push(() => further.stop());
    await waitFor(this.#standby, 'far');
    this.#says('A new standby follows the new primary, and each commit waits for it');

    await this.#paid(FENCE_AT);
    await this.#wakeOldPrimary(buyers);
    return { kill, failover };
  }

  /** The primary of before comes back at the database's address, and knows of no failover: nothing is signed there. */
  async #wakeOldPrimary(buyers: readonly Buyer[]): Promise<void> {
    await this.#primary.begin({ synchronous_standby_names: '' });
    this.#pointTo(this.#primary);
    // Prices that nobody else pays: the shop tells payments apart by the path.
    for (const [server, price] of ['0.011', '0.012'].entries()) {
      const url = this.#world.url(`/v2/price/${price}`);
      const untilMs = performance.now() + STAND_STILL_MS_MAX;
      let code: string | undefined;
      // Until its sessions with the database are opened anew it may say that there is none.
      do code = (await buyers[server]?.call(url, server))?.code;
      while (code !== 'ledger_older' && performance.now() < untilMs);
      if (code !== 'ledger_older')
        this.#broken.push(`at the primary of before a server said ${code ?? 'nothing'}`);
      if (this.#world.sandbox.shop.payments(new URL(url).pathname).length > 0)
        this.#broken.push('a payment was signed at the primary of before');
    }
    this.#pointTo(this.#standby);
    await this.#primary.crash();
    this.#says('The primary of before came back: both servers refused it (ledger_older) and signed nothing');
  }

  #pointTo(server: TestPostgres): void {
    this.#address.towards = server.port;
    this.#address.cut();
  }

  #reached(): number {
    return this.#world.sandbox.shop.payments().length;
  }

  async #paid(count: number): Promise<void> {
    const untilMs = performance.now() + STAND_STILL_MS_MAX;
    while (this.#reached() < count) {
      if (performance.now() > untilMs) throw new Error(`Nobody pays: ${this.#reached()} of ${count} came`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Brings every payment to its end, on the second home, and holds the ledger against the chains. */
  async #settle(): Promise<Pick<FleetReport, 'onChain' | 'spentUsdMicros' | 'states'>> {
    const engine = await this.#wallet.open({ home: this.#homes[1] ?? '' }).engine();
    await this.#world.advance(PAST_EXPIRY_SEC);
    await reconcileAll(engine, new AbortController().signal);
    const payments = await paymentsIn(engine);
    const states = new Map<string, number>();
    for (const { state } of payments) states.set(state, (states.get(state) ?? 0) + 1);
    const captured = payments.filter(({ state }) => state === 'captured');
    const open = payments.filter(({ state }) => state !== 'captured' && state !== 'released');
    if (open.length > 0) this.#broken.push(`${open.length} payments are still open`);

    const onChain = new Map<string, number>();
    const shown = new Map<string, bigint>();
    for (const [i, chain] of CHAINS.entries()) {
      const { ground } = this.#world.on(chain);
      for (const addresses of this.#addresses.values())
        for (const { nonce, amountAtomic } of await ground.payments(addresses[i] ?? '')) {
          shown.set(nonce, amountAtomic);
          onChain.set(ground.label, (onChain.get(ground.label) ?? 0) + 1);
        }
    }
    // Every unit that is paid in here is a micro-dollar.
    const spent = [...shown.values()].reduce((sum, atomic) => sum + atomic, 0n);
    if (spent > CAP_USD_MICROS) this.#broken.push(`the chains show ${formatUsd(spent)} spent: above the cap`);
    const counted = captured.reduce((sum, one) => sum + (one.capturedUsdMicros ?? 0n), 0n);
    if (counted !== spent)
      this.#broken.push(`the ledger counts ${formatUsd(counted)}, the chains show ${formatUsd(spent)}`);
    const known = new Set(captured.map(({ nonce }) => nonce));
    for (const nonce of shown.keys())
      if (!known.has(nonce)) this.#broken.push(`a payment on chain is lost in the ledger: ${nonce}`);
    for (const { nonce, url } of captured)
      if (!shown.has(nonce)) this.#broken.push(`a captured payment is on no chain: ${url}`);
    this.#checkWishes(captured.map(({ url }) => url));
    for (const { says } of (await engine.ledger.audit()).findings) this.#broken.push(`audit: ${says}`);
    return { onChain, spentUsdMicros: spent, states };
  }

  /** Each thing was paid once at most, and each that an agent was told it has was paid. */
  #checkWishes(paidUrls: readonly string[]): void {
    const times = new Map<string, number>();
    for (const url of paidUrls) times.set(url, (times.get(url) ?? 0) + 1);
    for (const [url, count] of times) if (count > 1) this.#broken.push(`paid ${count} times: ${url}`);
    for (const { url, end } of this.#wishes) {
      if (end === 'open') this.#broken.push(`an agent was never told what became of ${url}`);
      if (end.startsWith('paid') && !times.has(url))
        this.#broken.push(`told as paid, and not in the ledger: ${url}`);
    }
  }
}

async function serve(home: string, wallet: TestWallet, port = '0'): Promise<Served> {
  const { passphraseFile } = wallet;
  return Served.start({ home, passphraseFile }, [], undefined, ['--port', port]);
}

/** Gives each agent the same money on the other chain; answers their addresses on each, in the order of the chains. */
async function fundOnSolana(
  { keys, ledger }: Engine,
  { sandbox }: TestWorld,
  agents: readonly FundedAgent[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const places = new Map((await ledger.agents.list()).map(({ name, index }) => [name, index]));
  const addresses = new Map<string, readonly string[]>();
  for (const { name, address } of agents) {
    const there = await keys.solanaAddress(places.get(name) ?? 0);
    await sandbox.solana.fund(there, FUNDS_ATOMIC);
    addresses.set(name, [address, there]);
  }
  return addresses;
}

/** Has a primary's commits wait for a standby from here on. */
async function waitFor(primary: TestPostgres, standby: string): Promise<void> {
  await primary.query(`ALTER SYSTEM SET synchronous_standby_names TO '${standby}'`);
  await primary.query('SELECT pg_reload_conf()');
}

async function epochOf(server: TestPostgres): Promise<string> {
  const [row] = await server.query<{ epoch: string }>('SELECT epoch::text FROM fleet.purser_head');
  return row?.epoch ?? '';
}

/** A report in lines. */
export function describeFleet(report: FleetReport): string {
  const counts = (map: ReadonlyMap<string, number>): string =>
    [...map].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
  const ends = new Map<string, number>();
  for (const { end } of report.wishes) ends.set(end, (ends.get(end) ?? 0) + 1);
  const { gapsMs, epochs } = report;
  return [
    '',
    `asked for        ${report.wishes.length} times in ${report.seconds.toFixed(1)} s; ended as ${counts(ends)}`,
    `asked again      behind ${counts(report.putOff)}`,
    `on the chains    ${counts(report.onChain)}; together $${formatUsd(report.spentUsdMicros)} of $${formatUsd(report.capUsdMicros)}`,
    `in the ledger    ${counts(report.states)}`,
    `until paid again ${Math.round(gapsMs.kill)} ms behind kill -9 of a server, ${Math.round(gapsMs.failover)} ms behind the loss of the primary`,
    `epoch            ${epochs.before} before the failover, ${epochs.after} behind it`,
    report.broken.length === 0
      ? 'The books agree with the chains: nothing above the cap, nothing paid twice, nothing lost.'
      : `BROKEN: ${report.broken.slice(0, 20).join('; ')}`,
  ].join('\n');
}
