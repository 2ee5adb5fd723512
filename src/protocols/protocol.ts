/**
 * x402, by the name that challenges, listings and the ledger have for it. A listing that has offers and names no protocol
 * means this one: catalogues of offers began with it.
 */
export const X402 = 'x402';
/** MPP, likewise. */
export const MPP = 'mpp';

/** The payment protocols that this wallet pays by, and that can be searched for. */
export const PAID_PROTOCOLS = [X402, MPP] as const;
