import { createHash, randomBytes } from 'node:crypto';
import {
  compileTransaction,
  createKeyPairSignerFromPrivateKeyBytes,
  createTransactionMessage,
  getAddressDecoder,
  getBase58Decoder,
  getBase64EncodedWireTransaction,
  getCompiledTransactionMessageDecoder,
  getSignatureFromTransaction,
  getTransactionDecoder,
  getTransactionEncoder,
  lamports,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
  type Address,
  type Blockhash,
  type KeyPairSigner,
  type Signature,
} from '@solana/kit';
import { LiteSVM } from 'litesvm';
import { SandboxClock } from '../clock.ts';
import { readBody, sendJson } from '../jsonHttp.ts';
import { listenLocal } from '../localServer.ts';
import { Blocks, type Landed } from './blocks.ts';
import { SolanaRpc, SolanaRpcError } from './rpc.ts';
import {
  accountData,
  mintData,
  readTokenAccount,
  TOKEN_PROGRAM,
  tokenAccountOf,
  USDC_MINT,
} from './token.ts';

/** The network that this chain stands for. */
export const SOLANA_DEVNET = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';

const FEES_LAMPORTS = 1_000_000_000_000n;
const RENT_LAMPORTS = 2_039_280n;
const SUPPLY_ATOMIC = 10n ** 15n;
/** More than any run sends. */
const HISTORY = 1_000_000n;
const TRANSFER_CHECKED = 12;

/** One transfer as the chain shows it. */
export interface SolanaPayment {
  /** SHA-256 of the message, hex: what the wallet knows the payment by. */
  nonce: string;
  /** Owner of the account that was paid. */
  to: string;
  amountAtomic: bigint;
  transaction: string;
}

/** litesvm as Solana devnet, with a mint at USDC's address. */
export type SolanaChain = Awaited<ReturnType<typeof startSolana>>;

/** A signer that the same name always names. */
export function namedSigner(name: string): Promise<KeyPairSigner> {
  return createKeyPairSignerFromPrivateKeyBytes(createHash('sha256').update(name).digest());
}

/** An address that nobody has the key of. */
export function nobodysAddress(seed: Uint8Array): Address {
  return getAddressDecoder().decode(createHash('sha256').update(seed).digest());
}

/** What a landed transaction pays and under which nonce, read once: a test asks for all of them again and again. */
const knownTransfers = new WeakMap<Landed, { transfer: Transfer; nonce: string } | null>();

function transferOf(landed: Landed): { transfer: Transfer; nonce: string } | null {
  const known = knownTransfers.get(landed);
  if (known !== undefined) return known;
  const isDust = landed.messageBytes.length === 0;
  const transfer = landed.err === null && !isDust ? readTransfer(landed.messageBytes) : null;
  const nonce = `0x${createHash('sha256').update(landed.messageBytes).digest('hex')}`;
  const read = transfer === null ? null : { transfer, nonce };
  knownTransfers.set(landed, read);
  return read;
}

/** Starts a local Solana devnet behind JSON-RPC. Each transaction lands at once; blocks come with them, or when asked for. */
export async function startSolana(clock = new SandboxClock()) {
  // Signatures and blockhashes are the shim's to check: a facilitator simulates before its own signature is there.
  const svm = new LiteSVM().withSigverify(false).withBlockhashCheck(false).withTransactionHistory(HISTORY);
  const blocks = new Blocks(clock);
  const rpc = new SolanaRpc(svm, blocks);
  const feePayer = await namedSigner('purser sandbox fee payer');
  svm.airdrop(feePayer.address as never, lamports(FEES_LAMPORTS) as never);

  /** A transaction that can be read, and does nothing: what else makes or fills an account is no business of a wallet's. */
  const funding = emptyTransaction(feePayer.address);
  const put = (at: Address, data: Uint8Array): void =>
    svm.setAccount({
      address: at,
      lamports: lamports(RENT_LAMPORTS),
      data,
      programAddress: TOKEN_PROGRAM,
      executable: false,
      space: BigInt(data.length),
    } as never);
  const read = (at: Address): bigint | null => {
    const account = svm.getAccount(at as never);
    return account.exists ? (readTokenAccount(account.data as Uint8Array)?.atomic ?? null) : null;
  };
  put(USDC_MINT, mintData(SUPPLY_ATOMIC));

  const server = await listenLocal(async (request, response) => {
    try {
      const asked = JSON.parse(String(await readBody(request))) as {
        id: unknown;
        method: string;
        params?: unknown[];
      };
      const { id, method, params = [] } = asked;
      try {
        sendJson(response, 200, { jsonrpc: '2.0', id, result: await rpc.answer(method, params) });
      } catch (error) {
        const code = error instanceof SolanaRpcError ? error.code : -32603;
        sendJson(response, 200, { jsonrpc: '2.0', id, error: { code, message: String(error) } });
      }
    } catch (error) {
      sendJson(response, 400, { error: String(error) });
    }
  });

  return {
    url: server.url,
    /** Who pays the fees, and signs each transaction before the facilitator sends it. */
    feePayer,
    blocks,
    /** Adds USDC, atomic, to an owner's account, which is made where there is none. */
    async fund(owner: string, atomic: bigint, mint: Address = USDC_MINT): Promise<void> {
      const at = await tokenAccountOf(owner as Address, mint);
      const held = read(at);
      put(at, accountData(mint, owner as Address, (held ?? 0n) + atomic));
      // A history of the account begins with what made it.
      const holding = (amount: bigint) => [
        {
          accountIndex: 1,
          mint: mint as string,
          owner,
          uiTokenAmount: { amount: String(amount), decimals: 6 },
        },
      ];
      blocks.add({
        signature: getBase58Decoder().decode(randomBytes(64)) as Signature,
        accounts: [at],
        memo: null,
        err: null,
        bytes: funding,
        messageBytes: new Uint8Array(),
        before: held === null ? [] : holding(held),
        after: holding((held ?? 0n) + atomic),
      });
    },
    /** Adds SOL for fees, in lamports. */
    giveGas: (owner: string, coins: bigint): void => {
      svm.airdrop(owner as never, lamports(coins) as never);
    },
    /** USDC of an owner, atomic; zero where it has no account. */
    balanceOf: async (owner: string): Promise<bigint> => read(await tokenAccountOf(owner as Address)) ?? 0n,
    mine: (count = 1): void => blocks.mine(count),
    /** Mines the blocks that follow on a real chain by themselves, where the newest transaction is not finalized yet. */
    settle: async (): Promise<void> => Promise.resolve(blocks.finalize()),
    /**
     * Puts transactions of a stranger's on an owner's token account, as anyone can for a fee, all in the newest blocks;
     * with the memo of a payment, they look like it until each is read.
     */
    async dust(owner: string, count: number, memo: string | null = 'dust'): Promise<void> {
      const account = await tokenAccountOf(owner as Address);
      for (let i = 0; i < count; i++) {
        const signature = getBase58Decoder().decode(randomBytes(64)) as Signature;
        // Whatever else is in it, a node lists the balance of the account that it names.
        const uiTokenAmount = { amount: String(read(account) ?? 0n), decimals: 6 };
        const balances = [{ accountIndex: 1, mint: USDC_MINT as string, owner, uiTokenAmount }];
        const unread = { bytes: randomBytes(200), messageBytes: new Uint8Array() };
        blocks.add({
          signature,
          accounts: [account],
          memo,
          err: null,
          ...unread,
          before: balances,
          after: balances,
        });
      }
    },
    increaseTime: (seconds: number): void => blocks.increaseTime(seconds),
    nowSec: (): number => blocks.nowSec(),
    /** Adds the fee payer's signature to a payment and tells the id it will have; `send` lands it. */
    async cosign(base64: string): Promise<{ signature: string; send(): Promise<void> }> {
      const transaction = getTransactionDecoder().decode(Buffer.from(base64, 'base64'));
      const content = { content: transaction.messageBytes, signatures: transaction.signatures };
      const [own] = await feePayer.signMessages([content as never]);
      const signed = { ...transaction, signatures: { ...transaction.signatures, ...own } };
      const wire = getBase64EncodedWireTransaction(signed);
      return {
        signature: getSignatureFromTransaction(signed),
        send: async () => void (await rpc.answer('sendTransaction', [wire])),
      };
    },
    /** Every payment that `from` made, oldest first. */
    payments: (from: string): SolanaPayment[] =>
      blocks.landed.flatMap((landed) => {
        const read = transferOf(landed);
        if (read?.transfer.from !== from) return [];
        const { transfer, nonce } = read;
        const account = svm.getAccount(transfer.destination as never);
        const to = account.exists ? (readTokenAccount(account.data as Uint8Array)?.owner ?? '') : '';
        return [{ nonce, to, amountAtomic: transfer.amountAtomic, transaction: landed.signature }];
      }),
    stop: server.close,
  };
}

function emptyTransaction(feePayer: Address): Uint8Array {
  const blockhash = getBase58Decoder().decode(new Uint8Array(32)) as Blockhash;
  const message = setTransactionMessageLifetimeUsingBlockhash(
    { blockhash, lastValidBlockHeight: 0n },
    setTransactionMessageFeePayer(feePayer, createTransactionMessage({ version: 0 })),
  );
  return new Uint8Array(getTransactionEncoder().encode(compileTransaction(message)));
}

interface Transfer {
  from: string;
  destination: string;
  amountAtomic: bigint;
}

/** The TransferChecked of a message, as a seller would look for it; null where there is none. */
export function readTransfer(messageBytes: Uint8Array): Transfer | null {
  const { staticAccounts, instructions } = getCompiledTransactionMessageDecoder().decode(messageBytes);
  for (const { programAddressIndex, accountIndices = [], data } of instructions) {
    if (staticAccounts[programAddressIndex] !== TOKEN_PROGRAM || data?.[0] !== TRANSFER_CHECKED) continue;
    const [, , destination = -1, authority = -1] = accountIndices;
    return {
      from: staticAccounts[authority] ?? '',
      destination: staticAccounts[destination] ?? '',
      amountAtomic: Buffer.from(data as Uint8Array).readBigUInt64LE(1),
    };
  }
  return null;
}
