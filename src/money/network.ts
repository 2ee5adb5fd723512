import { WalletError } from '../errors/walletError.js';
import { nearest } from '../text/nearest.js';

/** A chain's name by CAIP-2, such as `eip155:8453`. */
export type Caip2 = `${string}:${string}`;

interface NetworkFacts {
  readonly caip2: Caip2;
  /** The name x402 v1 uses on the wire (facts: v1 names → chain ids). */
  readonly v1Name: string | undefined;
  readonly label: string;
  readonly testnet: boolean;
  /**
   * Public RPC endpoints of different operators, used until the owner names one. A release needs two of them to
   * agree (threats.md T28); a network with fewer never releases by proof until the owner sets its RPC.
   */
  readonly rpcUrls: readonly string[];
  readonly explorerTx: string | undefined;
}

/** A chain of the EVM. */
export interface EvmNetwork extends NetworkFacts {
  readonly family: 'evm';
  readonly chainId: number;
  /** Block tag whose blocks are past reorganisation for us; `finalized` where a chain has no `safe`. */
  readonly finality: 'safe' | 'finalized';
}

/** A cluster of Solana. */
export interface SvmNetwork extends NetworkFacts {
  readonly family: 'svm';
  /** Of the first block: what an RPC is known by, and in its first 32 letters the CAIP-2 name. */
  readonly genesisHash: string;
}

/** A chain of Tempo: its blocks are read as those of the EVM, and its tokens and transactions are of its own kind. */
export interface TempoNetwork extends NetworkFacts {
  readonly family: 'tempo';
  readonly chainId: number;
  readonly finality: 'finalized';
}

/**
 * Lightning over one chain of Bitcoin. It has no name of its own in CAIP-2, so it goes by that chain's (`bip122`). What is
 * here belongs to a wallet or node that the owner connected: it is asked in the place of RPCs.
 */
export interface LightningNetwork extends NetworkFacts {
  readonly family: 'lightning';
  /** The chain's letters in an invoice (BOLT 11). */
  readonly invoiceChain: 'bc' | 'tbs' | 'bcrt';
}

/** A network the wallet knows. What it may be used for is the owner's config. */
export type Network = EvmNetwork | SvmNetwork | TempoNetwork | LightningNetwork;

function evm(
  chainId: number,
  label: string,
  v1Name: string | undefined,
  more: Partial<Pick<EvmNetwork, 'testnet' | 'finality' | 'rpcUrls' | 'explorerTx'>> = {},
): EvmNetwork {
  return {
    caip2: `eip155:${chainId}`,
    family: 'evm',
    v1Name,
    label,
    chainId,
    testnet: more.testnet ?? false,
    finality: more.finality ?? 'finalized',
    rpcUrls: more.rpcUrls ?? [],
    explorerTx: more.explorerTx,
  };
}

/** The name by CAIP-2 is the head of the genesis hash, of the length that the namespace prescribes. */
const SOLANA_REFERENCE_CHARS = 32;

function solana(
  genesisHash: string,
  more: Pick<SvmNetwork, 'label' | 'v1Name' | 'testnet' | 'rpcUrls' | 'explorerTx'>,
): SvmNetwork {
  const caip2: Caip2 = `solana:${genesisHash.slice(0, SOLANA_REFERENCE_CHARS)}`;
  return { caip2, family: 'svm', genesisHash, ...more };
}

function tempo(
  chainId: number,
  more: Pick<TempoNetwork, 'label' | 'testnet' | 'rpcUrls' | 'explorerTx'>,
): TempoNetwork {
  return {
    ...{ caip2: `eip155:${chainId}`, family: 'tempo', v1Name: undefined, chainId, finality: 'finalized' },
    ...more,
  };
}

/** The name by CAIP-2 is the head of the genesis block's hash. */
function lightning(
  genesisHead: string,
  more: Pick<LightningNetwork, 'label' | 'testnet' | 'invoiceChain'>,
): LightningNetwork {
  return {
    ...{ caip2: `bip122:${genesisHead}`, family: 'lightning', v1Name: undefined },
    ...{ rpcUrls: [], explorerTx: undefined },
    ...more,
  };
}

/** Every known network; a new one is a new row. */
export const NETWORKS: readonly Network[] = [
  evm(8453, 'Base', 'base', {
    finality: 'safe',
    rpcUrls: ['https://mainnet.base.org', 'https://base-rpc.publicnode.com'],
    explorerTx: 'https://basescan.org/tx/',
  }),
  evm(84532, 'Base Sepolia', 'base-sepolia', {
    testnet: true,
    finality: 'safe',
    rpcUrls: ['https://sepolia.base.org', 'https://base-sepolia-rpc.publicnode.com'],
    explorerTx: 'https://sepolia.basescan.org/tx/',
  }),
  solana('5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d', {
    label: 'Solana',
    v1Name: 'solana',
    testnet: false,
    rpcUrls: ['https://api.mainnet-beta.solana.com', 'https://solana-rpc.publicnode.com'],
    explorerTx: 'https://explorer.solana.com/tx/',
  }),
  solana('EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG', {
    label: 'Solana devnet',
    v1Name: 'solana-devnet',
    testnet: true,
    // Few public operators serve devnet: a release there waits for the owner to name an RPC.
    rpcUrls: ['https://api.devnet.solana.com'],
    explorerTx: undefined,
  }),
  tempo(4217, {
    label: 'Tempo',
    testnet: false,
    rpcUrls: ['https://rpc.tempo.xyz', 'https://tempo-rpc.publicnode.com', 'https://tempo.drpc.org'],
    explorerTx: 'https://explore.tempo.xyz/tx/',
  }),
  tempo(42431, {
    label: 'Tempo testnet',
    testnet: true,
    // One public operator serves it: a release there waits for the owner to name an RPC.
    rpcUrls: ['https://rpc.moderato.tempo.xyz'],
    explorerTx: undefined,
  }),
  evm(1, 'Ethereum', 'ethereum', { finality: 'safe', explorerTx: 'https://etherscan.io/tx/' }),
  evm(43114, 'Avalanche', 'avalanche', { explorerTx: 'https://snowtrace.io/tx/' }),
  evm(143, 'Monad', 'monad'),
  evm(988, 'Stable', 'stable'),
  evm(2201, 'Stable testnet', 'stable-testnet', { testnet: true }),
  evm(137, 'Polygon', 'polygon', { explorerTx: 'https://polygonscan.com/tx/' }),
  evm(42161, 'Arbitrum One', undefined, { finality: 'safe', explorerTx: 'https://arbiscan.io/tx/' }),
  evm(421614, 'Arbitrum Sepolia', undefined, { testnet: true, finality: 'safe' }),
  evm(80002, 'Polygon Amoy', 'polygon-amoy', {
    testnet: true,
    explorerTx: 'https://amoy.polygonscan.com/tx/',
  }),
  evm(10, 'Optimism', undefined, { finality: 'safe', explorerTx: 'https://optimistic.etherscan.io/tx/' }),
  evm(480, 'World Chain', undefined, { finality: 'safe', explorerTx: 'https://worldscan.org/tx/' }),
  evm(196, 'X Layer', 'xlayer'),
  evm(1187947933, 'SKALE Base', 'skale-base', {
    explorerTx: 'https://skale-base-explorer.skalenodes.com/tx/',
  }),
  evm(36900, 'ADI', undefined),
  evm(190415, 'HPP', undefined),
  evm(181228, 'HPP Sepolia', undefined, { testnet: true }),
  evm(50, 'XDC', undefined),
  evm(51, 'XDC Apothem', undefined, { testnet: true }),
  evm(14, 'Flare', 'flare'),
  evm(42220, 'Celo', 'celo', { explorerTx: 'https://celoscan.io/tx/' }),
  evm(11142220, 'Celo Sepolia', undefined, { testnet: true }),
  evm(1329, 'Sei', 'sei', { explorerTx: 'https://seitrace.com/tx/' }),
  evm(1328, 'Sei testnet', 'sei-testnet', { testnet: true }),
  lightning('000000000019d6689c085ae165831e93', { label: 'Lightning', testnet: false, invoiceChain: 'bc' }),
  lightning('00000008819873e925422c1ff0f99f7c', {
    label: 'Lightning signet',
    testnet: true,
    invoiceChain: 'tbs',
  }),
  lightning('0f9188f13cb7b2c71f2a335e3a4fc328', {
    label: 'Lightning regtest',
    testnet: true,
    invoiceChain: 'bcrt',
  }),
];

const byCaip2 = new Map<string, Network>(NETWORKS.map((network) => [network.caip2, network]));
const byV1Name = new Map<string, Network>(
  NETWORKS.flatMap((network) => (network.v1Name === undefined ? [] : [[network.v1Name, network] as const])),
);

/** The network of a CAIP-2 name, or undefined where the table has no row. */
export function findNetwork(caip2: string): Network | undefined {
  return byCaip2.get(caip2);
}

/** The Lightning network of an invoice, by the letters of its chain; undefined where the table has no row. */
export function findLightning(invoiceChain: string): LightningNetwork | undefined {
  return NETWORKS.find(
    (network): network is LightningNetwork =>
      network.family === 'lightning' && network.invoiceChain === invoiceChain,
  );
}

/** The network that a person names: by CAIP-2, or by its label such as `base` or `Base Sepolia`, in any letter case. */
export function findNetworkByName(name: string): Network | undefined {
  const wanted = name.trim().toLowerCase().replaceAll(' ', '-');
  return NETWORKS.find(
    ({ caip2, v1Name, label }) =>
      caip2.toLowerCase() === wanted ||
      v1Name === wanted ||
      label.toLowerCase().replaceAll(' ', '-') === wanted,
  );
}

/** The refusal of a network that is not enabled: the one that was meant, where it is near one that is, and all that are. */
export function networkNotEnabled(wanted: string, enabled: readonly string[]): WalletError {
  const here = enabled.flatMap((caip2) => findNetwork(caip2) ?? []);
  const known = findNetworkByName(wanted);
  const names = here.map(({ label }) => label.toLowerCase().replaceAll(' ', '-'));
  const meant = known === undefined ? nearest(wanted, names) : undefined;
  const list = here.map(({ label, caip2 }) => `${label} (${caip2})`).join(', ');
  return new WalletError(
    'network_disabled',
    `${known?.label ?? JSON.stringify(wanted)} is not an enabled network; enabled: ${list}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
  );
}

/** The network of a name as x402 v1 or v2 writes it: exact CAIP-2 or exact v1 name, nothing looser (T5). */
export function findNetworkOnWire(name: string): Network | undefined {
  return byCaip2.get(name) ?? byV1Name.get(name);
}
