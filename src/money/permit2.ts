/**
 * Uniswap's Permit2: at this address on every chain of the EVM. It moves a token for a signature, as far as the token's
 * holder allowed it to. No seller names it, or what may spend through it: both stand here (T36).
 */
export const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3';

/** The contracts of x402 that alone may use what is signed, by scheme: they pay nobody but the payee that was signed. */
export const PERMIT2_SPENDERS = {
  exact: '0x402085c248EeA27D92E8b30b2C58ed07f9E20001',
  upto: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002',
} as const;
