import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import type { CallInput } from '../../src/wallet/request.js';
import type { RpcProxy } from '../../sandbox/rpcProxy.ts';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { createTestWallet, type TestWallet, type TestWalletParts } from './testWallet.js';

/** The chains that a wallet pays on, for tests that hold on each. */
export const CHAINS = ['base', 'solana'] as const;
export type ChainName = (typeof CHAINS)[number];

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
  balanceOf(address: string): Promise<bigint>;
  /** Every payment that an address made, oldest first. */
  payments(address: string): Promise<readonly PaidOnChain[]>;
}

/** A sandbox whose chain and whose wallets share one clock that a test can move. */
export interface TestWorld {
  readonly sandbox: Sandbox;
  /** The chain that its wallets pay on, unless one is made for the other. */
  readonly ground: Ground;
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

function groundOf({ chain, solana, shop, rpc, solanaRpc }: Sandbox, name: ChainName): Ground {
  if (name === 'base') {
    return {
      caip2: 'eip155:84532',
      rpc,
      payTo: shop.payTo,
      balanceOf: (address) => chain.balanceOf(address as `0x${string}`),
      payments: (address) => chain.payments(address as `0x${string}`),
    };
  }
  return {
    caip2: SOLANA_DEVNET,
    rpc: solanaRpc,
    payTo: shop.payToSolana,
    balanceOf: (address) => solana.balanceOf(address),
    payments: async (address) => solana.payments(address),
  };
}

/** Starts a world; one a test file, or one for each chain. */
export async function startTestWorld(on: ChainName = 'base'): Promise<TestWorld> {
  const sandbox = await startSandbox();
  const wallets: TestWallet[] = [];
  let aheadMs = 0;
  let urls = 0;
  const now = (): number => Date.now() + aheadMs;
  return {
    sandbox,
    ground: groundOf(sandbox, on),
    now,
    async advance(seconds) {
      await sandbox.chain.increaseTime(seconds);
      sandbox.solana.increaseTime(seconds);
      aheadMs += seconds * 1000;
    },
    async wallet({ usdMicros, settings, ...parts } = {}) {
      const wallet = await createTestWallet(sandbox, usdMicros, {
        now,
        chain: on,
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
  };
}

/** Arguments of a call that may cost half a dollar at most: more than anything in the tests, less than any cap. */
export function callOf(url: string, more: Partial<CallInput> & Record<string, unknown> = {}) {
  return { url, max_usd: '0.50', ...more };
}
