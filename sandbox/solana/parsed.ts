import { getCompiledTransactionMessageDecoder } from '@solana/kit';
import { TOKEN_PROGRAM } from './token.ts';

export const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr';
const TRANSFER_CHECKED = 12;

/** A message as a node gives it with the encoding `jsonParsed`, as far as transfers of tokens and memos go. */
export function parsedMessage(messageBytes: Uint8Array) {
  const { staticAccounts, instructions } = getCompiledTransactionMessageDecoder().decode(messageBytes);
  return {
    accountKeys: staticAccounts.map((pubkey) => ({ pubkey })),
    instructions: instructions.map(({ programAddressIndex, accountIndices = [], data }) => {
      const programId: string = staticAccounts[programAddressIndex] ?? '';
      const accounts = accountIndices.map((index) => staticAccounts[index]);
      const bytes = Buffer.from((data ?? new Uint8Array()) as Uint8Array);
      if (programId === MEMO_PROGRAM)
        return { program: 'spl-memo', programId, parsed: bytes.toString('utf8') };
      if (programId !== TOKEN_PROGRAM || bytes[0] !== TRANSFER_CHECKED)
        return { programId, accounts, data: bytes.toString('base64') };
      const [source, mint, destination, authority] = accounts;
      const tokenAmount = { amount: bytes.readBigUInt64LE(1).toString(), decimals: bytes.readUInt8(9) };
      const info = { source, mint, destination, authority, tokenAmount };
      return { program: 'spl-token', programId, parsed: { type: 'transferChecked', info } };
    }),
  };
}
