import type { DeathWatch } from './anvil.ts';
import { startCatalogue, type Catalogue, type CatalogueOptions } from './catalogue/catalogue.ts';
import { shopListings } from './catalogue/shopListings.ts';
import { startChain, type Chain } from './chain.ts';
import { SandboxClock } from './clock.ts';
import { startFacilitator, type Facilitator } from './facilitator.ts';
import { startRpcProxy, type RpcProxy } from './rpcProxy.ts';
import { startShop, type Shop } from './shop/shop.ts';
import { startSolana, type SolanaChain } from './solana/chain.ts';
import { startTempo, type TempoChain } from './tempo/chain.ts';

/** A chain of Tempo in the local world. */
export interface TempoWorld {
  readonly chain: TempoChain;
  readonly rpc: RpcProxy;
  /** Starts another RPC endpoint for it. */
  addRpc(): Promise<RpcProxy>;
}

/** The local world. */
export interface Sandbox {
  /** What a wallet takes as the RPC of `eip155:84532`: the proxy's, so that it can be made to fail. */
  rpcUrl: string;
  rpc: RpcProxy;
  /** The same for Solana devnet. */
  solanaRpcUrl: string;
  solanaRpc: RpcProxy;
  chain: Chain;
  solana: SolanaChain;
  facilitator: Facilitator;
  shop: Shop;
  /** Starts another RPC endpoint for a chain, Base unless named, to set a lying one beside an honest one. */
  addRpc(of?: 'base' | 'solana'): Promise<RpcProxy>;
  /** Starts a chain of Tempo, where a test wants one, and an RPC endpoint that stands before it as `rpc` before `chain`. */
  addTempo(): Promise<TempoWorld>;
  /** Starts a catalogue that lists some of the shop's goods before a made-up world's; the smaller, the sooner. */
  addCatalogue(options?: CatalogueOptions): Promise<Catalogue>;
  /**
   * Whether blocks follow those that hold transactions, until they are settled, before any RPC of the world says how far
   * its chain is. They do, as on a real chain, unless a test means what is not settled yet.
   */
  setSettling(settles: boolean): void;
  /** Its own time: the machine's, and as far ahead of it as its chains were moved. Every answer is dated by it. */
  now: () => number;
  /** Ends all of it: sockets, listeners, the chain's process. */
  stop(): Promise<void>;
}

/**
 * Starts both chains, USDC on each, facilitator and shop on free ports of 127.0.0.1, in about a second. Nothing is shared: any number
 * run side by side. If this process dies, however it dies, the chain's process dies with it.
 */
export async function startSandbox(options: { deathWatch?: DeathWatch } = {}): Promise<Sandbox> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const clock = new SandboxClock();
    const solanaStarting = startSolana(clock);
    // Whoever fails first is heard; the other's failure must not end the process.
    solanaStarting.catch(() => undefined);
    const chain = await startChain({ ...options, clock });
    stops.push(chain.stop);
    const solana = await solanaStarting;
    stops.push(solana.stop);
    let settles = true;
    const addRpc = async (of: 'base' | 'solana' = 'base'): Promise<RpcProxy> => {
      const behind = of === 'base' ? chain : solana;
      const follow = async (): Promise<void> => (settles ? behind.settle() : undefined);
      const proxy = await startRpcProxy(behind.url, of, { now: clock.now, follow });
      stops.push(proxy.stop);
      return proxy;
    };
    const rpc = await addRpc();
    const solanaRpc = await addRpc('solana');
    // The seller has a way to the chain of its own: a fault of the wallet's RPC is not the facilitator's.
    const facilitator = await startFacilitator(chain.url, solana, clock.now);
    stops.push(facilitator.stop);
    const shop = await startShop({ chain, solana, facilitatorUrl: facilitator.url, now: clock.now });
    stops.push(shop.stop);
    const addTempo = async (): Promise<TempoWorld> => {
      const tempo = await startTempo({ ...options, clock });
      stops.push(tempo.stop);
      const follow = async (): Promise<void> => (settles ? tempo.settle() : undefined);
      const addTempoRpc = async (): Promise<RpcProxy> => {
        const proxy = await startRpcProxy(tempo.url, 'base', { now: clock.now, follow });
        stops.push(proxy.stop);
        return proxy;
      };
      return { chain: tempo, rpc: await addTempoRpc(), addRpc: addTempoRpc };
    };
    const addCatalogue = async (options: CatalogueOptions = {}): Promise<Catalogue> => {
      const catalogue = await startCatalogue({
        ...options,
        more: [...shopListings(shop), ...(options.more ?? [])],
      });
      stops.push(catalogue.stop);
      return catalogue;
    };
    const solanaRpcUrl = solanaRpc.url;
    return {
      rpcUrl: rpc.url,
      rpc,
      solanaRpcUrl,
      solanaRpc,
      addRpc,
      addCatalogue,
      addTempo,
      setSettling: (next) => void (settles = next),
      now: clock.now,
      chain,
      solana,
      facilitator,
      shop,
      stop,
    };
  } catch (cause) {
    await stop();
    throw cause;
  }
}
