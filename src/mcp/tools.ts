import type { Tool } from './tool.js';
import { walletApproval } from './walletApproval.js';
import { walletBalance } from './walletBalance.js';
import { walletDiscover } from './walletDiscover.js';
import { walletLedger } from './walletLedger.js';
import { walletPay } from './walletPay.js';
import { walletQuote } from './walletQuote.js';
import { walletResponse } from './walletResponse.js';

/** Every tool, in the order it is listed; the same on each connection. */
export const tools: readonly Tool[] = [
  walletDiscover,
  walletQuote,
  walletPay,
  walletApproval,
  walletBalance,
  walletLedger,
  walletResponse,
];
