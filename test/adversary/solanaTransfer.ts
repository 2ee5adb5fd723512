import { createHash } from 'node:crypto';
import {
  getAddressEncoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  verifySignature,
  type Address,
  type SignatureBytes,
} from '@solana/kit';
import { readTransfer } from '../../sandbox/solana/chain.ts';
import { TOKEN_PROGRAM, tokenAccountOf, USDC_MINT } from '../../sandbox/solana/token.ts';
import type { Sandbox } from '../../sandbox/world.ts';
import type { Signed, SignedOnSolana } from './role.ts';

/** What may stand beside the transfer: neither can move anything. */
const HARMLESS = [
  'ComputeBudget111111111111111111111111111111',
  'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr',
];
const TRANSFER_CHECKED = 12;
const USDC_DECIMALS = 6;

/**
 * Reads a transaction of Solana that came as a payment; undefined where it holds no transfer of tokens. `owners` knows
 * whose the sellers' token accounts are: a transfer to another says that account itself.
 */
export function readSignedOnSolana(
  transaction: string,
  owners: ReadonlyMap<string, string>,
): SignedOnSolana | undefined {
  try {
    const { messageBytes, signatures } = decode(transaction);
    const transfer = readTransfer(messageBytes);
    if (transfer === null) return undefined;
    const { from, destination, amountAtomic } = transfer;
    return {
      chain: 'solana',
      from,
      to: owners.get(destination) ?? destination,
      value: amountAtomic,
      nonce: `0x${createHash('sha256').update(messageBytes).digest('hex')}`,
      signature: Buffer.from(signatures[from as Address] ?? []).toString('hex'),
      transaction,
    };
  } catch {
    return undefined;
  }
}

/** Narrows to what came on Solana. */
export function isOnSolana(signed: Signed): signed is SignedOnSolana {
  return signed.chain === 'solana';
}

/** What a transaction says or does beyond one transfer of USDC out of the wallet, in sentences. */
export async function faultsOfTransaction(
  { solana }: Sandbox,
  { transaction, to }: SignedOnSolana,
  wallet: string,
): Promise<string[]> {
  const { messageBytes, signatures } = decode(transaction);
  const message = getCompiledTransactionMessageDecoder().decode(messageBytes);
  const { header, staticAccounts, instructions, lifetimeToken } = message;
  const faults: string[] = [];
  const [feePayer, ...signers] = staticAccounts.slice(0, header.numSignerAccounts);
  if (feePayer === wallet) faults.push('The wallet pays the fees.');
  if (signers.join() !== wallet || header.numReadonlySignerAccounts !== 1)
    faults.push('Others sign than the fee payer and the wallet, or the wallet as more than a sender.');
  const signature = signatures[wallet as Address];
  if (signature === null || signature === undefined || !(await isBy(wallet, signature, messageBytes)))
    faults.push('The wallet has not signed this message.');
  if (Object.values(signatures).filter((one) => one !== null).length !== 1)
    faults.push('A transaction carries a second signature.');
  if ('addressTableLookups' in message && (message.addressTableLookups?.length ?? 0) > 0)
    faults.push('A transaction names accounts that it does not show.');
  if (solana.blocks.lastFor(lifetimeToken) === undefined)
    faults.push('A transaction expires with no block of the chain.');
  const calls = instructions.map(({ programAddressIndex, accountIndices = [], data }) => ({
    program: staticAccounts[programAddressIndex] ?? '',
    accounts: accountIndices.map((index) => staticAccounts[index]),
    data: Buffer.from(data ?? []),
  }));
  const [transfer, ...more] = calls.filter(({ program }) => !HARMLESS.includes(program));
  if (more.length > 0) faults.push('A transaction does more than one thing.');
  const [source, destination] = await Promise.all(
    [wallet, to].map((owner) => tokenAccountOf(owner as Address)),
  );
  const due = [source, USDC_MINT, destination, wallet];
  if (
    transfer?.program !== TOKEN_PROGRAM ||
    transfer.accounts.join() !== due.join() ||
    transfer.data[0] !== TRANSFER_CHECKED ||
    transfer.data[9] !== USDC_DECIMALS
  )
    faults.push('A transaction is another one than a transfer of USDC from the wallet to who asked.');
  return faults;
}

function decode(base64: string) {
  const { messageBytes, signatures } = getTransactionDecoder().decode(Buffer.from(base64, 'base64'));
  return { messageBytes: messageBytes as unknown as Uint8Array<ArrayBuffer>, signatures };
}

async function isBy(wallet: string, signature: SignatureBytes, message: Uint8Array<ArrayBuffer>) {
  const raw = getAddressEncoder().encode(wallet as Address) as Uint8Array<ArrayBuffer>;
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  return verifySignature(key, signature, message);
}
