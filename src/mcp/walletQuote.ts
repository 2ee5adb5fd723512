import { quoteInput } from '../wallet/input.js';
import { FLAG, RESPONSE, TEXT, outcomeSchema } from './outcomeSchema.js';
import { defineTool, SENDS_REQUESTS } from './tool.js';

/** `wallet_quote`: the live price of one call. */
export const walletQuote = defineTool({
  name: 'wallet_quote',
  title: 'Quote a paid call',
  description: `Ask what one HTTP call costs before paying for it. Pays nothing.

The request is really sent, once, without payment: an endpoint that asks for none has then done its work. The result is then code not_priced with performed: true and the answer in response; do not call it again.

Otherwise the result has usd, network, pay_to, expires_at (5 minutes) and verdict: "allow" means wallet_pay {quote_id} pays exactly this offer; anything else means this wallet would not pay it, and message says why. The price is what the endpoint asks now; whether it is worth it is yours to judge. The body should be the one you mean to send: prices may depend on it.

Sample: {"url": "https://api.example.com/search?q=tide+tables"}
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
