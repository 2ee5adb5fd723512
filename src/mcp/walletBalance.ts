import { balanceInput } from '../wallet/input.js';
import { FLAG, LIST, outcomeSchema } from './outcomeSchema.js';
import { defineTool, READ_ONLY } from './tool.js';

/** `wallet_balance`: what can be spent, and what is left of each cap. */
export const walletBalance = defineTool({
  name: 'wallet_balance',
  title: 'Show the balance and what is left to spend',
  description: `Show the wallet's money and what you may still spend of it; use it before a larger purchase or after a refusal for funds or limits. Free, changes nothing.

limits: what is used and left of each bound; a call must fit every one. Past a cap the owner is asked; past a ceiling nothing goes, whoever asks. No tool raises either. balances: per network and asset the wallet's address, and what is on chain, held by open payments, and spendable. prepaid: bought before, and used first.

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
