import type { Network } from '../money/network.js';

/**
 * What a seller asks to be signed, so that it knows again who paid there before (CAIP-122). It moves no money. Domain and
 * URI are of the origin that asked; every text is one line of printable ASCII.
 */
export interface SignInTerms {
  /** Host, with its port where it has one. */
  readonly domain: string;
  readonly uri: string;
  readonly statement: string | undefined;
  readonly nonce: string;
  /** Times are ISO 8601, as the seller wrote them. */
  readonly issuedAt: string;
  readonly expirationTime: string | undefined;
  readonly notBefore: string | undefined;
  readonly requestId: string | undefined;
  readonly resources: readonly string[];
}

/** A seller's demand to sign in. */
export interface SignInDemand extends SignInTerms {
  /** Names of the networks whose addresses it knows, by CAIP-2. */
  readonly networks: readonly string[];
}

/** What the signer signs for a demand: a text that we write, never the seller's. */
export interface SignInIntent {
  readonly kind: 'sign_in';
  readonly terms: SignInTerms;
  readonly network: Network;
  readonly address: string;
}

/** One line, no control characters, nothing that looks like another letter. */
const LINE = /^[\x20-\x7e]+$/;
/** EIP-4361: at least eight letters and digits. */
const NONCE = /^[A-Za-z0-9]{8,128}$/;
/** Far above what any seller writes in one field. */
const FIELD_CHARACTERS_MAX = 2_048;
const RESOURCES_MAX = 16;

/** Whether each field is a single line within its bound, so that the text says what its fields say, and nothing else. */
export function isPlainSignIn({ nonce, resources, ...fields }: SignInTerms): boolean {
  const lines = [...Object.values(fields as Record<string, string | undefined>), ...resources];
  return (
    NONCE.test(nonce) &&
    resources.length <= RESOURCES_MAX &&
    lines.every((line) => line === undefined || (LINE.test(line) && line.length <= FIELD_CHARACTERS_MAX))
  );
}

/** The text that is signed: EIP-4361 on the EVM, and the same words for an account of Solana (CAIP-122). */
export function signInText({ terms, network, address }: SignInIntent): string {
  const [kind, chainId] =
    network.family === 'svm'
      ? ['Solana', network.caip2.slice(network.caip2.indexOf(':') + 1)]
      : ['Ethereum', network.caip2.slice(network.caip2.indexOf(':') + 1)];
  const { statement, resources } = terms;
  // EIP-4361 leaves the line of a missing statement empty; its text for Solana leaves it out.
  const missing = network.family === 'svm' ? [] : [''];
  const optional = [
    ['Expiration Time', terms.expirationTime],
    ['Not Before', terms.notBefore],
    ['Request ID', terms.requestId],
  ].filter(([, value]) => value !== undefined);
  return [
    `${terms.domain} wants you to sign in with your ${kind} account:`,
    address,
    '',
    ...(statement === undefined ? missing : [statement, '']),
    `URI: ${terms.uri}`,
    'Version: 1',
    `Chain ID: ${chainId}`,
    `Nonce: ${terms.nonce}`,
    `Issued At: ${terms.issuedAt}`,
    ...optional.map(([name, value]) => `${name}: ${value}`),
    ...(resources.length === 0 ? [] : ['Resources:', ...resources.map((resource) => `- ${resource}`)]),
  ].join('\n');
}
