import {
  address,
  getAddressEncoder,
  getBase58Decoder,
  getBase64Decoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  verifySignature,
  type Address,
  type Signature,
  type SignatureBytes,
  type Transaction,
} from '@solana/kit';
import { FailedTransactionMetadata, TransactionMetadata, type LiteSVM } from 'litesvm';
import {
  BLOCKHASH_LIFE,
  slotOf,
  type Blocks,
  type Commitment,
  type Landed,
  type TokenBalance,
} from './blocks.ts';
import { MEMO_PROGRAM, parsedMessage } from './parsed.ts';
import { readTokenAccount, TOKEN_PROGRAM } from './token.ts';

/** Devnet's own: its head is the network's name by CAIP-2. */
const GENESIS_HASH = 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG';
const SIGNATURES_MAX = 1_000;

/** Codes of Solana's own JSON-RPC server. */
const SIMULATION_FAILED = -32002;
const SIGNATURE_FAILED = -32003;
const METHOD_UNKNOWN = -32601;
const BLOCK_NOT_AVAILABLE = -32004;

/** No node has these methods: for a proxy that shows the chain as a node that is behind knows it. */
export const HEIGHT_OF = 'sandboxHeightOf';
export const BLOCKHASH_BEFORE = 'sandboxBlockhashBefore';

/** An answer that is an error. */
export class SolanaRpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Options = {
  commitment?: Commitment;
  encoding?: string;
  sigVerify?: boolean;
  limit?: number;
  before?: string;
  until?: string;
  mint?: string;
};

/** Answers JSON-RPC calls over litesvm, with the blocks that it lacks; what wallets and facilitators ask, no more. */
export class SolanaRpc {
  readonly #svm: LiteSVM;
  readonly #blocks: Blocks;

  constructor(svm: LiteSVM, blocks: Blocks) {
    this.#svm = svm;
    this.#blocks = blocks;
  }

  async answer(method: string, params: readonly unknown[]): Promise<unknown> {
    const [first, second, third] = params as [unknown, Options | undefined, Options | undefined];
    const own = (typeof first === 'object' && !Array.isArray(first) ? first : second) as Options | undefined;
    const { commitment } = own ?? {};
    switch (method) {
      case 'getHealth':
        return 'ok';
      case 'getGenesisHash':
        return GENESIS_HASH;
      case 'getSlot':
        return this.#blocks.slot(commitment ?? 'processed');
      case 'getBlockHeight':
        return this.#blocks.height(commitment);
      case 'getBlockTime':
        return this.#blockTime(Number(first));
      case 'getFirstAvailableBlock':
      case 'minimumLedgerSlot':
        return 0;
      case HEIGHT_OF:
        return this.#blocks.heightOf(String(first)) ?? null;
      case BLOCKHASH_BEFORE:
        return this.#latestBlockhash('confirmed', Number(first));
      case 'getEpochInfo':
        return { absoluteSlot: this.#blocks.slot(commitment), blockHeight: this.#blocks.height(commitment) };
      case 'getLatestBlockhash':
        return this.#withContext(this.#latestBlockhash(commitment), commitment);
      case 'isBlockhashValid':
        return this.#withContext(this.#blocks.isValid(String(first), commitment), commitment);
      case 'getBalance':
        return this.#withContext(Number(this.#svm.getBalance(address(String(first))) ?? 0n), commitment);
      case 'getAccountInfo':
        return this.#withContext(this.#accountInfo(address(String(first))), commitment);
      case 'getTokenAccountBalance':
        return this.#withContext(this.#tokenBalance(address(String(first))), commitment);
      case 'getTokenAccountsByOwner':
        return this.#withContext(
          this.#tokenAccounts(String(first), (second as Options).mint),
          third?.commitment,
        );
      case 'simulateTransaction':
        return this.#withContext(await this.#simulate(String(first), own ?? {}), commitment);
      case 'sendTransaction':
        return this.#send(String(first));
      case 'getSignatureStatuses':
        return this.#withContext((first as string[]).map((signature) => this.#status(signature)));
      case 'getSignaturesForAddress':
        return this.#signaturesFor(String(first), own ?? {});
      case 'getTransaction':
        return this.#transaction(String(first), own);
      default:
        throw new SolanaRpcError(METHOD_UNKNOWN, `Method not found: ${method}`);
    }
  }

  #withContext(value: unknown, commitment?: Commitment): unknown {
    return { context: { apiVersion: '3.0.0', slot: this.#blocks.slot(commitment) }, value };
  }

  #blockTime(slot: number): number {
    const timeSec = this.#blocks.timeOf(slot);
    if (timeSec === undefined)
      throw new SolanaRpcError(BLOCK_NOT_AVAILABLE, `Block not available for slot ${slot}`);
    return timeSec;
  }

  #latestBlockhash(commitment?: Commitment, before = 0) {
    const height = this.#blocks.height(commitment) - before;
    return { blockhash: this.#blocks.hashAt(height), lastValidBlockHeight: height + BLOCKHASH_LIFE };
  }

  #accountInfo(at: Address) {
    const account = this.#svm.getAccount(at);
    if (!account.exists) return null;
    const { data, lamports: held, programAddress, executable } = account;
    return {
      data: [getBase64Decoder().decode(data), 'base64'],
      lamports: Number(held),
      owner: programAddress,
      executable,
      rentEpoch: 0,
      space: data.length,
    };
  }

  #tokenBalance(at: Address) {
    const account = this.#svm.getAccount(at);
    const token = account.exists ? readTokenAccount(account.data) : null;
    if (token === null) throw new SolanaRpcError(-32602, 'Invalid param: could not find account');
    return { amount: String(token.atomic), decimals: 6, uiAmountString: String(token.atomic) };
  }

  #tokenAccounts(owner: string, mint: string | undefined) {
    return this.#svm.getProgramAccounts(TOKEN_PROGRAM).flatMap(({ address: pubkey, data }) => {
      const token = readTokenAccount(data as Uint8Array);
      if (token?.owner !== owner || (mint !== undefined && token.mint !== mint)) return [];
      const tokenAmount = { amount: String(token.atomic), decimals: 6 };
      const parsed = { info: { mint: token.mint, owner, tokenAmount }, type: 'account' };
      return [{ pubkey, account: { data: { parsed, program: 'spl-token' }, owner: TOKEN_PROGRAM } }];
    });
  }

  #tokenBalances(accounts: readonly Address[]): TokenBalance[] {
    return accounts.flatMap((at, accountIndex) => {
      const account = this.#svm.getAccount(at);
      const token = account.exists ? readTokenAccount(account.data) : null;
      if (token === null) return [];
      const { mint, owner, atomic } = token;
      return [{ accountIndex, mint, owner, uiTokenAmount: { amount: String(atomic), decimals: 6 } }];
    });
  }

  async #simulate(base64: string, { sigVerify = false }: Options) {
    const transaction = decode(base64);
    if (sigVerify) await this.#checkSignatures(transaction);
    const early = this.#refusal(transaction);
    if (early !== null) return { err: early, logs: [], unitsConsumed: 0 };
    const result = this.#svm.simulateTransaction(transaction as never);
    const failed = result instanceof FailedTransactionMetadata;
    return {
      err: failed ? errorOf(result) : null,
      logs: result.meta().logs(),
      unitsConsumed: Number(result.meta().computeUnitsConsumed()),
      innerInstructions: [],
    };
  }

  async #send(base64: string): Promise<Signature> {
    const transaction = decode(base64);
    await this.#checkSignatures(transaction);
    const signature = signatureOf(transaction);
    // A node drops what cannot land, and whoever sent it hears nothing of it.
    if (this.#refusal(transaction) !== null) return signature;
    const known = facts(base64, transaction);
    const before = this.#tokenBalances(known.accounts);
    const result = this.#svm.sendTransaction(transaction as never);
    const err = result instanceof TransactionMetadata ? null : errorOf(result);
    const after = this.#tokenBalances(known.accounts);
    if (err !== 'AlreadyProcessed') this.#blocks.add({ ...known, before, after, signature, err });
    return signature;
  }

  /** What keeps a transaction out of any block. */
  #refusal(transaction: Transaction): string | null {
    const { lifetimeToken } = getCompiledTransactionMessageDecoder().decode(transaction.messageBytes);
    if (this.#blocks.find(signatureOf(transaction), 'processed') !== undefined) return 'AlreadyProcessed';
    return this.#blocks.isValid(lifetimeToken, 'processed') ? null : 'BlockhashNotFound';
  }

  async #checkSignatures({ messageBytes, signatures }: Transaction): Promise<void> {
    for (const [signer, signature] of Object.entries(signatures)) {
      const raw = getAddressEncoder().encode(address(signer)) as Uint8Array<ArrayBuffer>;
      const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
      if (signature === null || !(await verifySignature(key, signature as SignatureBytes, messageBytes)))
        throw new SolanaRpcError(SIGNATURE_FAILED, 'Transaction signature verification failure');
    }
  }

  #status(signature: string) {
    const landed = this.#blocks.find(signature, 'processed');
    if (landed === undefined) return null;
    const final = landed.height <= this.#blocks.height('finalized');
    return {
      slot: slotOf(landed.height),
      confirmations: final ? null : 1,
      err: landed.err,
      status: landed.err === null ? { Ok: null } : { Err: landed.err },
      confirmationStatus: final ? 'finalized' : 'confirmed',
    };
  }

  #signaturesFor(account: string, { commitment, limit = SIGNATURES_MAX, before, until }: Options) {
    const newest = this.#blocks.landed
      .filter(
        ({ accounts, height }) =>
          accounts.includes(account as Address) && height <= this.#blocks.height(commitment),
      )
      .reverse();
    const from = before === undefined ? 0 : newest.findIndex(({ signature }) => signature === before) + 1;
    const end = until === undefined ? -1 : newest.findIndex(({ signature }) => signature === until);
    return newest
      .slice(from, end === -1 ? undefined : end)
      .slice(0, Math.min(limit, SIGNATURES_MAX))
      .map(({ signature, height, timeSec, memo, err }) => ({
        signature,
        slot: slotOf(height),
        blockTime: timeSec,
        memo: memo === null ? null : `[${Buffer.byteLength(memo)}] ${memo}`,
        err,
        confirmationStatus: height <= this.#blocks.height('finalized') ? 'finalized' : 'confirmed',
      }));
  }

  #transaction(signature: string, { commitment, encoding }: Options = {}) {
    const landed = this.#blocks.find(signature, commitment);
    if (landed === undefined) return null;
    return {
      slot: slotOf(landed.height),
      blockTime: landed.timeSec,
      version: 0,
      transaction:
        encoding === 'jsonParsed'
          ? { signatures: [landed.signature], message: parsedMessage(landed.messageBytes) }
          : [Buffer.from(landed.bytes).toString('base64'), 'base64'],
      meta: {
        err: landed.err,
        fee: 10_000,
        preTokenBalances: landed.before,
        postTokenBalances: landed.after,
      },
    };
  }
}

/** Throws a JSON-RPC error for bytes that are no transaction. */
function decode(base64: string): Transaction {
  try {
    return getTransactionDecoder().decode(Buffer.from(base64, 'base64'));
  } catch {
    throw new SolanaRpcError(SIMULATION_FAILED, 'failed to deserialize transaction');
  }
}

function signatureOf({ signatures }: Transaction): Signature {
  const first = Object.values(signatures)[0];
  return getBase58Decoder().decode(first ?? new Uint8Array(64)) as Signature;
}

function facts(
  base64: string,
  { messageBytes }: Transaction,
): Pick<Landed, 'bytes' | 'messageBytes' | 'accounts' | 'memo'> {
  const { staticAccounts, instructions } = getCompiledTransactionMessageDecoder().decode(messageBytes);
  const memo = instructions.find(
    ({ programAddressIndex }) => staticAccounts[programAddressIndex] === MEMO_PROGRAM,
  );
  return {
    bytes: Buffer.from(base64, 'base64'),
    messageBytes: messageBytes as unknown as Uint8Array,
    accounts: staticAccounts,
    memo: memo?.data === undefined ? null : Buffer.from(memo.data as Uint8Array).toString('utf8'),
  };
}

/** What litesvm says of a failure, as a node would word it as far as anybody reads it. */
function errorOf(failed: FailedTransactionMetadata): unknown {
  const text = failed.err().toString();
  return /AlreadyProcessed/.test(text) ? 'AlreadyProcessed' : { InstructionError: [2, text] };
}
