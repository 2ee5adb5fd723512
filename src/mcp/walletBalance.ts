import { balanceInput } from '../wallet/input.js';
import { FLAG, LIST, outcomeSchema } from './outcomeSchema.js';
import { defineTool, READ_ONLY } from './tool.js';

/** `wallet_balance`: what can be spent, and what is left of each cap. */
export const walletBalance = defineTool({
  name: 'wallet_balance',
  title: 'Show what can be spent',
  description: `Show what this wallet holds and may still spend; use it before a larger purchase or after a refusal for funds or limits. Free, changes nothing.

balances: per network and asset the wallet's address, and in dollars what is on chain, held by open payments, and spendable. limits: each cap and ceiling of the owner with what is used and left; a call must fit every one of them. No tool raises a limit: ask the owner.

Sample: {}
Sample: {"network": "eip155:8453"}`,
  inputSchema: balanceInput,
  outputSchema: outcomeSchema({
    balances: LIST,
    limits: LIST,
    frozen: FLAG,
  }),
  annotations: READ_ONLY,
  handle: (wallet, input) => wallet.balance(input),
});
