/**
 * x402, by the name that challenges, listings and the ledger have for it. A listing that has offers and names no protocol
 * means this one: catalogues of offers began with it.
 */
export const X402 = 'x402';
/** MPP, likewise. */
export const MPP = 'mpp';

/** L402 and its older name LSAT, likewise: paid over Lightning alone. */
export const L402 = 'l402';

/** The payment protocols that this wallet pays by, and that can be searched for. */
export const PAID_PROTOCOLS = [X402, MPP, L402] as const;

/** Schemes whose seller may charge less than was signed for it: what is signed is a ceiling. */
const CEILING_SCHEMES: Readonly<Record<string, readonly string[]>> = { [X402]: ['upto'] };

/** Whether a payment may have moved less than was signed for it, as its seller charged. A view asks it, and loads no rail. */
export function isUnderCeiling({
  protocol,
  scheme,
}: {
  readonly protocol: string;
  readonly scheme: string;
}): boolean {
  return CEILING_SCHEMES[protocol]?.includes(scheme) === true;
}
