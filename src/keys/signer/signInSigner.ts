import type { PrivateKeyAccount } from 'viem/accounts';
import { findNetwork, type Network } from '../../money/network.js';
import { isPlainSignIn, signInText, type SignInIntent } from '../../payment/signIn.js';
import { refusal } from './transferSigner.js';
import type { SolanaAccount } from './solanaKey.js';

/** The part of an EVM account that signs in. */
export type SignInAccount = Pick<PrivateKeyAccount, 'address' | 'publicKey' | 'signMessage'>;

/**
 * Signs in as an EVM address (EIP-191 over the text of EIP-4361) and gives the 65-byte signature. The text is written
 * here of fields that are judged again, and its first line is one that no transfer has (T7, T38).
 * Throws `signer_refused`.
 */
export async function signInOnEvm(given: SignInIntent, account: SignInAccount): Promise<`0x${string}`> {
  const message = judgedText(given, account.address, ['evm', 'tempo']);
  const { hashMessage } = await import('viem/utils');
  const { isOwnSignature } = await import('./ownSignature.js');
  const signature = await account.signMessage({ message });
  if (!isOwnSignature(account, hashMessage(message), signature))
    throw refusal('the signature does not recover to our own address');
  return signature;
}

/** Signs in as an address of Solana, and gives the signature in base58. Throws `signer_refused`. */
export async function signInOnSolana(given: SignInIntent, account: SolanaAccount): Promise<string> {
  const message = judgedText(given, account.address, ['svm']);
  const { writeBase58 } = await import('../../money/base58.js');
  // Printable text is never a transaction: that holds the raw bytes of the key which signs it.
  return writeBase58(account.sign(new TextEncoder().encode(message)));
}

function judgedText(given: SignInIntent, ownAddress: string, families: readonly Network['family'][]): string {
  // A copy, so that what was checked is what is signed, whatever object was handed in.
  const intent: SignInIntent = { ...given, terms: { ...given.terms, resources: [...given.terms.resources] } };
  if (intent.kind !== 'sign_in') throw refusal('it is not a sign-in');
  const network = findNetwork(intent.network.caip2);
  if (network === undefined || !families.includes(network.family))
    throw refusal('the network is not a row of the table');
  if (intent.address !== ownAddress) throw refusal("the address is not this agent's own");
  if (!isPlainSignIn(intent.terms)) throw refusal('its fields are not plain lines');
  return signInText({ ...intent, network });
}
