import { payInput } from '../wallet/input.js';
import { FLAG, PAYMENT, RESPONSE, TEXT, outcomeSchema } from './outcomeSchema.js';
import { defineTool, SENDS_REQUESTS } from './tool.js';

/** `wallet_pay`: call a URL, paying if it asks. */
export const walletPay = defineTool({
  name: 'wallet_pay',
  title: 'Buy an API call: pay for it and get its answer',
  description: `Buy an API call: call a URL, pay in USDC if it asks (x402, MPP), get its answer. Spends the owner's money: never more than max_usd, or exactly what quote_id showed, and never past the owner's limits.

Give quote_id alone (it stands for the whole request), or url (or mcp) with max_usd. An endpoint that asks for no payment is simply called (money: none), as is one bought before.

Results: ok has the seller's answer in response; what is large or binary has stored_id, see wallet_response. delivery pending: a job was bought; the call in next gets its result, or wait_s waits for it here. approval_required: a person is asked: pass on tell_owner, then make the call in next; with their yes, {approval_id} pays that very call. refused is final unless retry says when it is not: do not reword or split the call. unknown: money may have moved: make the call in next, do not buy the same elsewhere.

Never paid twice: the same request within a minute after a paid one gets the stored answer (replayed: true); repeat: true buys it anew. The same idempotency_key is the same payment.

Sample: {"quote_id": "quo_…"}
Sample: {"url": "https://api.example.com/search?q=tide+tables", "max_usd": "0.02"}
Sample: {"url": "https://api.example.com/ocr", "method": "POST", "body": {"image_url": "https://example.com/a.png"}, "max_usd": "0.05"}`,
  inputSchema: payInput,
  outputSchema: outcomeSchema({
    payment: PAYMENT,
    response: RESPONSE,
    replayed: FLAG,
    performed: FLAG,
    approval_id: TEXT,
  }),
  annotations: SENDS_REQUESTS,
  handle: (wallet, input, context) => wallet.pay(input, context),
});
