import type { SignInIntent } from '../../../payment/signIn.js';
import { writeJsonHeader } from '../header.js';

/** The header that signs in: base64 of the JSON that extension `sign-in-with-x` of x402 prescribes. */
export function writeSignIn(
  { terms, network, address }: SignInIntent,
  signature: string,
): readonly [string, string] {
  const type = network.family === 'svm' ? 'ed25519' : 'eip191';
  // What is undefined is left out, as the seller left it out.
  const { resources, ...fields } = terms;
  const body = {
    ...fields,
    ...(resources.length === 0 ? {} : { resources }),
    ...{ version: '1', address, chainId: network.caip2, type, signature },
  };
  return ['SIGN-IN-WITH-X', writeJsonHeader(body)];
}
