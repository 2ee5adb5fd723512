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
export function isUnderCeiling({ protocol, scheme }: Way): boolean {
  return CEILING_SCHEMES[protocol]?.includes(scheme) === true;
}

/** Schemes that pay one call out of a deposit made before: what they move was counted with that deposit. */
const DRAWN_SCHEMES: Readonly<Record<string, readonly string[]>> = {
  [MPP]: ['session'],
  [X402]: ['batch-settlement'],
};
/** Schemes that make such a deposit, or add to one. */
const DEPOSIT_SCHEMES: Readonly<Record<string, readonly string[]>> = {
  [MPP]: ['channel'],
  [X402]: ['channel'],
};

/** Schemes of a row that is a promise to pay again and again: it counts by its rate, see ledger/sqlite/payments/reserve. */
const COMMITMENT_SCHEMES: Readonly<Record<string, readonly string[]>> = { [MPP]: ['commitment'] };
/** Schemes of what is taken by such a promise. */
const CHARGED_SCHEMES: Readonly<Record<string, readonly string[]>> = { [MPP]: ['subscription'] };

/** Why a promise whose money can be taken is `unknown`: nobody knows how often it will be. */
export const COMMITMENT_OPEN = 'commitment_open';
/** The same, once its owner asked the chain to end it. */
export const COMMITMENT_ENDING = 'commitment_ending';

/** Why a deposit that the seller took is `unknown`: how much of it is spent shows when it is closed. */
export const DEPOSIT_OPEN = 'channel_open';

/** What a row of the ledger is of. */
interface Way {
  readonly protocol: string;
  readonly scheme: string;
}

/** Whether a payment is taken out of a deposit, which counts in every limit in its place. */
export function isDrawn({ protocol, scheme }: Way): boolean {
  return DRAWN_SCHEMES[protocol]?.includes(scheme) === true;
}

/** Whether a payment is a deposit, which is held in full until a proof closes it. */
export function isDeposit({ protocol, scheme }: Way): boolean {
  return DEPOSIT_SCHEMES[protocol]?.includes(scheme) === true;
}

/** Whether a row is a promise to pay in each period. */
export function isCommitment({ protocol, scheme }: Way): boolean {
  return COMMITMENT_SCHEMES[protocol]?.includes(scheme) === true;
}

/** Whether a payment is taken by such a promise: what became of it, the promise's own look tells. */
export function isCharged({ protocol, scheme }: Way): boolean {
  return CHARGED_SCHEMES[protocol]?.includes(scheme) === true;
}

/** Every way of {@link isDrawn}, for questions of a store. */
export const DRAWN_WAYS: readonly Way[] = waysOf(DRAWN_SCHEMES);
/** Every way of {@link isCommitment}, likewise. */
export const COMMITMENT_WAYS: readonly Way[] = waysOf(COMMITMENT_SCHEMES);

function waysOf(schemes: Readonly<Record<string, readonly string[]>>): Way[] {
  return Object.entries(schemes).flatMap(([protocol, names]) =>
    names.map((scheme) => ({ protocol, scheme })),
  );
}
