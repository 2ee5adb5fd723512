import { TEMPO_TESTNET } from '../../sandbox/tempo/chain.ts';
import { startSandbox, type Sandbox, type TempoWorld } from '../../sandbox/world.ts';
import type { CallInput } from '../../src/wallet/call/request.js';
import type { RpcProxy } from '../../sandbox/rpcProxy.ts';
import { randomBytes } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import { namedSigner, SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { createTestWallet, type TestWallet, type TestWalletParts } from './testWallet.js';

/** The chains that a wallet pays on, for tests that hold on each. */
export const CHAINS = ['base', 'solana'] as const;
export type ChainName = (typeof CHAINS)[number];
/** One of them, or Tempo, where a test asks for it. */
export type GroundName = ChainName | 'tempo';

/** One payment as a chain shows it. */
export interface PaidOnChain {
  readonly nonce: string;
  readonly to: string;
  readonly amountAtomic: bigint;
  readonly transaction: string;
}

/** One of the sandbox's chains, by what a test asks of either. */
export interface Ground {
  readonly caip2: string;
  /** The wallets' RPC. */
  readonly rpc: RpcProxy;
  /** Where the shop is paid. */
  readonly payTo: string;
  /** What people call it. */
  readonly label: string;
  /** An address of nobody else's that can be sent USDC, and has none. */
  newOwner(): Promise<string>;
  /** Coins enough to pay gas or fees for the whole test. */
  giveGas(address: string): Promise<void>;
  balanceOf(address: string): Promise<bigint>;
  /** Every payment that an address made, oldest first. */
  payments(address: string): Promise<readonly PaidOnChain[]>;
}

/** A sandbox whose chain and whose wallets share one clock that a test can move. */
export interface TestWorld {
  readonly sandbox: Sandbox;
  /** The chain of Tempo; a world has one where it was started on it. */
  readonly tempo: TempoWorld | undefined;
  /** The chain that its wallets pay on, unless one is made for the other. */
  readonly ground: Ground;
  /** The same world for wallets that pay on another chain. */
  on(chain: GroundName): TestWorld;
  /** The wallets' clock: the machine's, and as far ahead of it as the chain was moved. */
  readonly now: () => number;
  /** Moves chain and wallets ahead together, until a `finalized` block has the new time. */
  advance(seconds: number): Promise<void>;
  /** A funded wallet of its own, under limits wide enough for any test that does not mean them. */
  wallet(parts?: TestWalletParts & { readonly usdMicros?: bigint }): Promise<TestWallet>;
  /** A URL of the shop that no other call of the file has used. */
  url(path: string, query?: Readonly<Record<string, string>>): string;
  /** Removes every wallet and ends the sandbox. */
  stop(): Promise<void>;
}

/** The longest window an offer of the shop asks for, and a little: after it nothing signed before can settle. */
export const PAST_EXPIRY_SEC = 75;

const WIDE = {
  'limits.calls_per_minute': '10000',
  'limits.per_day_usd': '50',
  'limits.per_session_usd': '20',
};

function groundOf(
  { chain, solana, shop, rpc, solanaRpc }: Sandbox,
  tempo: TempoWorld | undefined,
  name: GroundName,
): Ground {
  if (name === 'tempo') {
    if (tempo === undefined) throw new Error('This world was started without Tempo');
    return groundOnTempo(tempo, shop.payTo);
  }
  if (name === 'base') {
    return {
      caip2: 'eip155:84532',
      rpc,
      payTo: shop.payTo,
      label: 'Base Sepolia',
      newOwner: async () =>
        Promise.resolve(privateKeyToAccount(`0x${randomBytes(32).toString('hex')}`).address),
      giveGas: (address) => chain.giveGas(address as `0x${string}`, 10n ** 18n),
      balanceOf: (address) => chain.balanceOf(address as `0x${string}`),
      payments: (address) => chain.payments(address as `0x${string}`),
    };
  }
  return {
    caip2: SOLANA_DEVNET,
    rpc: solanaRpc,
    payTo: shop.payToSolana,
    label: 'Solana devnet',
    async newOwner() {
      const { address } = await namedSigner(randomBytes(32).toString('hex'));
      await solana.fund(address, 0n);
      return address;
    },
    giveGas: async (address) => Promise.resolve(solana.giveGas(address, 10n ** 9n)),
    balanceOf: (address) => solana.balanceOf(address),
    payments: async (address) => solana.payments(address),
  };
}

function groundOnTempo({ chain, rpc }: TempoWorld, payTo: string): Ground {
  return {
    ...{ caip2: TEMPO_TESTNET, rpc, payTo, label: 'Tempo testnet' },
    newOwner: async () =>
      Promise.resolve(privateKeyToAccount(`0x${randomBytes(32).toString('hex')}`).address),
    // Fees are paid in the token itself.
    giveGas: async () => Promise.resolve(),
    balanceOf: (address) => chain.balanceOf(address as `0x${string}`),
    payments: async (address) =>
      (await chain.payments(address as `0x${string}`)).map(({ takenAtomic, ...payment }) => ({
        ...payment,
        amountAtomic: takenAtomic,
      })),
  };
}

/** Starts a world; one a test file, or one for each chain. */
export async function startTestWorld(on: GroundName = 'base'): Promise<TestWorld> {
  const sandbox = await startSandbox();
  const tempo = on === 'tempo' ? await sandbox.addTempo() : undefined;
  const wallets: TestWallet[] = [];
  let aheadMs = 0;
  let urls = 0;
  const now = (): number => Date.now() + aheadMs;
  const world = (chain: GroundName): TestWorld => ({
    sandbox,
    tempo,
    ground: groundOf(sandbox, tempo, chain),
    on: world,
    now,
    async advance(seconds) {
      await sandbox.chain.increaseTime(seconds);
      sandbox.solana.increaseTime(seconds);
      await tempo?.chain.increaseTime(seconds);
      aheadMs += seconds * 1000;
    },
    async wallet({ usdMicros, settings, ...parts } = {}) {
      const wallet = await createTestWallet(sandbox, usdMicros, {
        now,
        chain,
        tempo,
        settings: { ...WIDE, ...settings },
        ...parts,
      });
      wallets.push(wallet);
      return wallet;
    },
    url(path, query = {}) {
      const url = new URL(path, sandbox.shop.url);
      for (const [name, value] of Object.entries({ id: `u${++urls}`, ...query })) {
        url.searchParams.set(name, value);
      }
      return url.href;
    },
    async stop() {
      await Promise.all(wallets.map((wallet) => wallet.remove()));
      await sandbox.stop();
    },
  });
  return world(on);
}

/** Arguments of a call that may cost half a dollar at most: more than anything in the tests, less than any cap. */
export function callOf(url: string, more: Partial<CallInput> & Record<string, unknown> = {}) {
  return { url, max_usd: '0.50', ...more };
}
