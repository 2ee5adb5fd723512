import { quoteInput } from '../wallet/input.js';
import { FLAG, RESPONSE, TEXT, outcomeSchema } from './outcomeSchema.js';
import { defineTool, SENDS_REQUESTS } from './tool.js';

/** `wallet_quote`: the live price of one call. */
export const walletQuote = defineTool({
  name: 'wallet_quote',
  title: 'Get the price of a paid API call',
  description: `Ask the price of an API call before you buy it, or whether a job is done. Pays nothing.

The request is really sent, once, without payment: an endpoint that asks for none has then done its work (code not_priced, answer in response; do not call it again), unless delivery is pending: then make the call in next.

Otherwise usd is the live price and verdict says what wallet_pay {quote_id} would do: allow: it pays exactly this offer. ask: it asks the owner, and pays after their yes. refuse: it would not pay; message says why, and who could change that. Quotes hold 5 minutes. Quote with the body you mean to send: prices may depend on it.

Sample: {"url": "https://api.example.com/ocr", "method": "POST", "body": {"image_url": "https://example.com/a.png"}}`,
  inputSchema: quoteInput,
  outputSchema: outcomeSchema({
    response: RESPONSE,
    quote_id: TEXT,
    usd: TEXT,
    verdict: { enum: ['allow', 'ask', 'refuse'] },
    performed: FLAG,
  }),
  annotations: SENDS_REQUESTS,
  handle: (wallet, input, context) => wallet.quote(input, context),
});
