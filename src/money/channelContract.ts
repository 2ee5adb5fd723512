/**
 * The contract of x402's scheme `batch-settlement`, which keeps the deposits of channels, and the one that brings it a deposit
 * by EIP-3009: at these addresses on every chain that has them, for an address follows from a contract's own code. No seller
 * names them (T36).
 */
export const CHANNEL_CONTRACT = '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003';
export const DEPOSIT_COLLECTOR = '0x4020806089470a89826cB9fB1f4059150b550004';

/** So long after it was asked for, what its payee did not take comes back: the contract takes no shorter and no longer time. s */
export const WITHDRAW_DELAY_MIN_SEC = 900;
export const WITHDRAW_DELAY_MAX_SEC = 30 * 86_400;
