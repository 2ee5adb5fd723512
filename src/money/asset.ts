import { WalletError } from '../errors/walletError.js';
import type { Caip2 } from './network.js';
import { USD_DECIMALS } from './decimal.js';
import type { AtomicAmount, UsdMicros } from './unit.js';

interface AssetFacts {
  readonly network: Caip2;
  readonly symbol: string;
  readonly decimals: number;
}

/** A token of a chain of the EVM. */
export interface EvmAsset extends AssetFacts {
  readonly family: 'evm';
  /** Contract address with its checksum. */
  readonly address: `0x${string}`;
  /**
   * The EIP-712 domain's name and version; a wrong one makes a dead signature. Null for a token that takes no signature of
   * its holder: Permit2 alone moves it for one.
   */
  readonly eip712: { readonly name: string; readonly version: string } | null;
}

/** A token that its holder's signature moves (EIP-3009). */
export type SignedAsset = EvmAsset & { readonly eip712: NonNullable<EvmAsset['eip712']> };

/** Whether a token of the EVM takes its holder's signature itself. */
export function isSigned(asset: EvmAsset): asset is SignedAsset {
  return asset.eip712 !== null;
}

/** A token of Solana. */
export interface SvmAsset extends AssetFacts {
  readonly family: 'svm';
  /** The mint, in base58. */
  readonly address: string;
  /** The program that keeps its accounts: with another one, every address derived from the mint is another. */
  readonly tokenProgram: string;
}

/** A token of Tempo (TIP-20): moved by a transaction of its payer's, and fees are paid in it. */
export interface TempoAsset extends AssetFacts {
  readonly family: 'tempo';
  /** Contract address with its checksum. */
  readonly address: `0x${string}`;
}

/** Bitcoin as Lightning moves it, in millisatoshi. What it is worth in dollars is the owner's rate, see money/bitcoin. */
export interface LightningAsset extends AssetFacts {
  readonly family: 'lightning';
  readonly address: 'bitcoin';
}

/** A dollar token the wallet pays with. */
export type DollarAsset = EvmAsset | SvmAsset | TempoAsset;

/** What the wallet pays with. Every field is ours; none is ever taken from a server (T3, T6). */
export type Asset = DollarAsset | LightningAsset;

function evmDollar(
  network: Caip2,
  address: `0x${string}`,
  symbol: string,
  name: string,
  version: string,
  decimals: number,
): EvmAsset {
  return { family: 'evm', network, address, symbol, decimals, eip712: { name, version } };
}

/** A dollar that knows no EIP-3009. */
function permit2Dollar(network: Caip2, address: `0x${string}`, symbol: string, decimals: number): EvmAsset {
  return { family: 'evm', network, address, symbol, decimals, eip712: null };
}

/** The program of nearly every token of Solana. */
const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';

function svmDollar(network: Caip2, address: string, symbol: string, decimals: number): SvmAsset {
  return { family: 'svm', network, address, symbol, decimals, tokenProgram: TOKEN_PROGRAM };
}

function tempoDollar(network: Caip2, address: `0x${string}`, symbol: string): TempoAsset {
  return { family: 'tempo', network, address, symbol, decimals: 6 };
}

/** Shown in satoshi, of which one is a thousand atomic units. */
function bitcoin(network: Caip2): LightningAsset {
  return { family: 'lightning', network, address: 'bitcoin', symbol: 'sat', decimals: 3 };
}

/**
 * Dollar tokens that settle by EIP-3009, as `@x402/evm` lists them, and USDC on Solana, as `@x402/svm` does (a test
 * compares); those of networks that facilitators settle on and that list lacks, each with the domain that its contract
 * answers to (a test compares, too); USDT where it is paid through Permit2 alone; and those that sellers on Tempo are paid
 * in. A new one is a new row.
 */
export const ASSETS: readonly Asset[] = [
  evmDollar('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', 'USDC', 'USD Coin', '2', 6),
  evmDollar('eip155:84532', '0x036CbD53842c5426634e7929541eC2318f3dCF7e', 'USDC', 'USDC', '2', 6),
  svmDollar(
    'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
    'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
    'USDC',
    6,
  ),
  svmDollar(
    'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
    '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
    'USDC',
    6,
  ),
  tempoDollar('eip155:4217', '0x20C000000000000000000000b9537d11c60E8b50', 'USDC.e'),
  tempoDollar('eip155:4217', '0x20C0000000000000000000000000000000000000', 'pathUSD'),
  tempoDollar('eip155:42431', '0x20C0000000000000000000000000000000000000', 'pathUSD'),
  evmDollar('eip155:1', '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48', 'USDC', 'USD Coin', '2', 6),
  permit2Dollar('eip155:1', '0xdAC17F958D2ee523a2206206994597C13D831ec7', 'USDT', 6),
  evmDollar('eip155:43114', '0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E', 'USDC', 'USD Coin', '2', 6),
  evmDollar('eip155:143', '0x754704Bc059F8C67012fEd69BC8A327a5aafb603', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:988', '0x779Ded0c9e1022225f8E0630b35a9b54bE713736', 'USDT0', 'USDT0', '1', 6),
  evmDollar('eip155:2201', '0x78Cf24370174180738C5B8E352B6D14c83a6c9A9', 'USDT0', 'USDT0', '1', 6),
  evmDollar('eip155:137', '0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359', 'USDC', 'USD Coin', '2', 6),
  permit2Dollar('eip155:137', '0xc2132D05D31c914a87C6611C10748AEb04B58e8F', 'USDT0', 6),
  evmDollar('eip155:42161', '0xaf88d065e77c8cC2239327C5EDb3A432268e5831', 'USDC', 'USD Coin', '2', 6),
  evmDollar('eip155:42161', '0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9', 'USDT0', 'USD₮0', '1', 6),
  evmDollar('eip155:421614', '0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d', 'USDC', 'USD Coin', '2', 6),
  evmDollar('eip155:80002', '0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:10', '0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85', 'USDC', 'USD Coin', '2', 6),
  evmDollar('eip155:480', '0x79A02482A880bCE3F13e09Da970dC34db4CD24d1', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:196', '0x74b7F16337b8972027F6196A17a631aC6dE26d22', 'USDC', 'USD Coin', '2', 6),
  evmDollar(
    'eip155:1187947933',
    '0x85889c8c714505E0c94b30fcfcF64fE3Ac8FCb20',
    'USDC.e',
    'Bridged USDC (SKALE Bridge)',
    '2',
    6,
  ),
  evmDollar('eip155:36900', '0x9cb8142aEBBcdc60AF7c97Af897A67A8f3CA71C2', 'USDC.e', 'USDC.e', '2', 6),
  evmDollar('eip155:190415', '0x401eCb1D350407f13ba348573E5630B83638E30D', 'USDC.e', 'Bridged USDC', '2', 6),
  evmDollar('eip155:181228', '0x401eCb1D350407f13ba348573E5630B83638E30D', 'USDC.e', 'Bridged USDC', '2', 6),
  evmDollar('eip155:50', '0xfA2958CB79b0491CC627c1557F441eF849Ca8eb1', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:51', '0xb5AB69F7bBada22B28e79C8FFAECe55eF1c771D4', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:14', '0xe7cd86e13AC4309349F30B3435a9d337750fC82D', 'USDT0', 'USD₮0', '1', 6),
  evmDollar('eip155:42220', '0xcebA9300f2b948710d2653dD7B07f33A8B32118C', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:42220', '0x48065fbBE25f71C9282ddf5e1cD6D6A887483D5e', 'USDT', 'Tether USD', '1', 6),
  evmDollar(
    'eip155:42220',
    '0xD2ab3C9A02DBBAB236BfEC45D1d755DF4267F771',
    'USAT',
    'Tether America USD',
    '1',
    6,
  ),
  evmDollar('eip155:11142220', '0x01C5C0122039549AD1493B8220cABEdD739BC44E', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:1329', '0xe15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392', 'USDC', 'USDC', '2', 6),
  evmDollar('eip155:1328', '0x4fCF1784B31630811181f670Aea7A7bEF803eaED', 'USDC', 'USDC', '2', 6),
  bitcoin('bip122:000000000019d6689c085ae165831e93'),
  bitcoin('bip122:00000008819873e925422c1ff0f99f7c'),
  bitcoin('bip122:0f9188f13cb7b2c71f2a335e3a4fc328'),
];

const byNetworkAndAddress = new Map<string, Asset>(
  ASSETS.map((asset) => [keyOf(asset.network, asset.address), asset]),
);

/** Letter case carries no meaning in hex, and all of it in base58. */
function keyOf(network: Caip2, address: string): string {
  return `${network}/${address.startsWith('0x') ? address.toLowerCase() : address}`;
}

/** The asset at an address, of the EVM in any letter case, or undefined where the table has no row. */
export function findAsset(network: Caip2, address: string): Asset | undefined {
  return byNetworkAndAddress.get(keyOf(network, address));
}

/** The dollar token at an address; undefined for anything else. */
export function findDollar(network: Caip2, address: string): DollarAsset | undefined {
  const asset = findAsset(network, address);
  return asset?.family === 'lightning' ? undefined : asset;
}

/** All assets of one network, in the table's order: the first is the one to fund. */
export function assetsOf(network: Caip2): readonly Asset[] {
  return ASSETS.filter((asset) => asset.network === network);
}

/**
 * The dollars an atomic amount of a dollar token stands for, rounded up: against the agent, in favour of the cap. Throws
 * `internal` for bitcoin, which is worth what the owner's rate says, see money/bitcoin.
 */
export function toUsdMicros(asset: Asset, amountAtomic: AtomicAmount): UsdMicros {
  if (asset.family === 'lightning')
    throw new WalletError('internal', 'An amount of bitcoin was to be counted in dollars without a rate.');
  if (asset.decimals <= USD_DECIMALS) return amountAtomic * 10n ** BigInt(USD_DECIMALS - asset.decimals);
  const unit = 10n ** BigInt(asset.decimals - USD_DECIMALS);
  return (amountAtomic + unit - 1n) / unit;
}
