import type { Address } from 'viem';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import type { Sandbox } from '../../sandbox/world.ts';
import type { Wallet } from '../../src/wallet/wallet.js';
import { list } from '../support/listed.js';
import { createTestWallet, type TestWallet } from '../support/testWallet.js';
import { GullibleAgent, Turnstile } from './gullibleAgent.ts';
import { HostileShop, type OpenStall } from './hostileShop.ts';
import { judgeAttack, judgeControl } from './judge.ts';
import { ATTACKS, CONTROLS } from './table.ts';
import type { Attack, Control, Role } from './role.ts';

/** What a role came to. */
export interface Verdict {
  readonly threat: Role['threat'];
  readonly name: string;
  /** What it won, in sentences; none where it was beaten, or, honest, was treated well. */
  readonly faults: readonly string[];
  readonly calls: number;
  /** Different signatures that reached it. */
  readonly signatures: number;
}

const BOTH = JSON.stringify(['eip155:84532', SOLANA_DEVNET]);
/** More than all that is honestly sold, on each chain; the limits leave room for all of it. */
const FUNDED = 100_000_000n;
const WIDE = {
  'limits.calls_per_minute': '10000',
  'limits.per_session_usd': '20',
  'limits.per_day_usd': '50',
};

interface Attacked {
  readonly test: TestWallet;
  readonly wallet: Wallet;
  readonly meet: (turnstile: Turnstile) => GullibleAgent;
  readonly close: () => Promise<void>;
}

/** One playing of all roles: a shop of its own, and wallets of its own. */
export interface Run {
  readonly sandbox: Sandbox;
  readonly shop: HostileShop;
  readonly turnstile: Turnstile;
  readonly shared: Attacked;
  readonly own: Attacked[];
  /** What the shared wallet lost beyond what its sellers have, in atomic units. */
  missing(): Promise<bigint>;
  /** What Permit2 may still move of each wallet's USDC, atomic. */
  allowances(): Promise<bigint[]>;
  stop(): Promise<void>;
}

/** Starts a run in which so many calls may be made at a time. */
export async function startRun(sandbox: Sandbox, parallel: number): Promise<Run> {
  const shop = await HostileShop.start(sandbox, [...ATTACKS, ...CONTROLS]);
  const shared = await attacked(sandbox, shop, {});
  const own: Attacked[] = [];
  return {
    sandbox,
    shop,
    turnstile: new Turnstile(parallel),
    shared,
    own,
    async missing() {
      const { chain, solana } = sandbox;
      const { address, solanaAddress } = shared.test;
      const stalls = shop.stalls.filter(({ role }) => role.settings === undefined);
      const paid = await Promise.all([
        ...stalls.flatMap(({ payees }) => [...payees]).map((payee) => chain.balanceOf(payee as Address)),
        ...stalls.flatMap(({ payeesOnSolana }) => [...payeesOnSolana]).map((one) => solana.balanceOf(one)),
      ]);
      const left = (await chain.balanceOf(address)) + (await solana.balanceOf(solanaAddress));
      const lost = 2n * FUNDED - left;
      return lost - paid.reduce((sum, one) => sum + one, 0n);
    },
    allowances: () =>
      Promise.all([shared, ...own].map(({ test }) => sandbox.chain.permit2Allowance(test.address))),
    async stop() {
      for (const one of [shared, ...own]) await one.close();
      await shop.close();
    },
  };
}

async function attacked(
  sandbox: Sandbox,
  shop: HostileShop,
  settings: Readonly<Record<string, string>>,
): Promise<Attacked> {
  const test = await createTestWallet(sandbox, FUNDED, {
    now: slowClock(),
    settings: {
      ...WIDE,
      'networks.enabled': BOTH,
      'net.allow_private': JSON.stringify(shop.hostPorts),
      ...settings,
    },
  });
  await sandbox.solana.fund(test.solanaAddress, FUNDED);
  const opened = test.open({ lookup: lookups() });
  const agent = await GullibleAgent.connect(opened);
  return {
    test,
    wallet: opened,
    meet: agent.meet,
    async close() {
      await agent.close();
      await test.remove();
    },
  };
}

/** A minute of a replay must outlast a visit on however busy a machine. */
const CLOCK_RATE = 0.05;
/** What is signed must not expire on chain, and a clock that is a minute behind signs nothing. */
const BEHIND_MS_MAX = 30_000;

function slowClock(): () => number {
  const startMs = Date.now();
  return () => {
    const nowMs = Date.now();
    return Math.floor(Math.max(startMs + CLOCK_RATE * (nowMs - startMs), nowMs - BEHIND_MS_MAX));
  };
}

/** The names of the suite, all on this machine, and three that resolve as an attacker's name server pleases. */
function lookups() {
  let asked = 0;
  return async (host: string): Promise<readonly string[]> => {
    if (host === 'mixed.rebind.test') return ['93.184.216.34', '127.0.0.1'];
    if (host === 'turning.rebind.test')
      return [['10.0.0.1', '127.0.0.1', '169.254.169.254'][asked++ % 3] ?? ''];
    return ['127.0.0.1'];
  };
}

/** Plays one role: the agent's whole visit, then the judge. */
export async function playOne(run: Run, role: Attack | Control): Promise<Verdict> {
  const { sandbox, shop, turnstile } = run;
  const stall = shop.stalls.find((one) => one.role === role);
  if (stall === undefined) throw new Error(`${role.name} has no stall.`);
  const wallet = await walletFor(run, role, stall);
  const agent = wallet.meet(turnstile);
  if (role.listed !== undefined) {
    const { paths, usdMicros } = role.listed;
    const price = { minUsdMicros: usdMicros, maxUsdMicros: usdMicros };
    const endpoints = paths.map((path) => ({ url: stall.url(path), ...price }));
    await list(wallet.wallet, `test:${stall.origin}`, ...endpoints);
  }
  if (role.visit === undefined) await agent.visit({ url: stall.url() });
  else await role.visit(agent, stall);
  const { address, solanaAddress } = wallet.test;
  const played = { stall, told: agent.told, wallet: { address, solanaAddress } };
  const faults =
    'allows' in role ? await judgeAttack(sandbox, role, played) : await judgeControl(sandbox, role, played);
  const signatures = new Set(stall.seen.flatMap(({ signed }) => signed?.nonce ?? [])).size;
  return { threat: role.threat, name: role.name, faults, calls: agent.told.length, signatures };
}

async function walletFor(run: Run, role: Role, stall: OpenStall): Promise<Attacked> {
  if (role.settings === undefined) return run.shared;
  const own = await attacked(run.sandbox, run.shop, role.settings(stall));
  run.own.push(own);
  return own;
}

/** Plays all roles side by side. */
export async function playAll(
  run: Run,
  roles: readonly (Attack | Control)[],
): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = await Promise.all(roles.map((role) => playOne(run, role)));
  return new Map(verdicts.map((verdict) => [`${verdict.threat} ${verdict.name}`, verdict]));
}
