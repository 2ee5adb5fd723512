import { readFile } from 'node:fs/promises';
import type { Answer } from '../../ledger/attempts/answer.js';
import { NetFailure } from '../../net/failure.js';
import type { McpDemand } from '../../protocols/mcp/demand.js';
import { paymentMeta } from '../../protocols/mcp/payment.js';
import { isJsonObject, parseJson, type JsonObject } from '../../text/json.js';
import { storedPath } from '../../wallet/answer/answerFiles.js';
import type { Outcome } from '../../wallet/answer/outcome.js';
import type { Carrier } from '../../wallet/call/callDeadline.js';
import { askedBy, challengeIn, httpAnswerOf, placeOf, toolRequest } from '../../wallet/mcpCall/toolCall.js';
import type { Wallet } from '../../wallet/wallet.js';

/** The longest a paid call of a tool may take: what `wallet_pay` takes at most. */
const CALL_MS_MAX = 290_000;

/** A tool's call that a server answered with a demand for payment. */
export interface PricedCall {
  readonly server: URL;
  readonly tool: string;
  readonly args: unknown;
  /** The answer of JSON-RPC that makes the demand. */
  readonly answer: JsonObject;
  readonly signal: AbortSignal;
  /** The agent's own bound, or the person's who wrote the entry; the owner's limits hold beside it. */
  readonly maxUsd: string | undefined;
  /** Goes on with what the owner was asked about, where this very call was asked about before. */
  readonly approvalId: string | undefined;
  /** Makes the call once more with this among its `_meta`; the answer of JSON-RPC. Rejects with a `NetFailure`. */
  readonly again: (payment: JsonObject) => Promise<JsonObject>;
}

/** What became of a call that asked for payment. */
export interface PaidTool {
  readonly outcome: Outcome;
  /** The answer of JSON-RPC to the paid call, as it came or as it was kept; null where there is none. */
  readonly answer: JsonObject | null;
}

/** What a challenge asks at the least, in dollars; null where this wallet reads no price in it. */
export async function priceOf(
  wallet: Wallet,
  server: URL,
  tool: string,
  challenge: McpDemand,
): Promise<bigint | null> {
  const { rails } = await wallet.engine();
  const offers = rails.parse(askedBy(placeOf(server, tool), challenge))?.offers ?? [];
  return offers.reduce<bigint | null>(
    (least, { usdMicros }) => (least === null || usdMicros < least ? usdMicros : least),
    null,
  );
}

/** Pays what a tool's call asks, within the owner's limits, and makes it again with the payment, once. */
export async function payTool(wallet: Wallet, call: PricedCall): Promise<PaidTool> {
  const { server, tool, args, answer, signal, maxUsd, approvalId } = call;
  const challenge = challengeIn(answer) ?? { bodyText: '', headers: [] };
  let came: JsonObject | null = null;
  const carrier: Carrier = {
    asked: askedBy(placeOf(server, tool), challenge),
    send: async ({ value }, { maySend }) => {
      const payment = paymentMeta(value);
      if (payment === null || !maySend())
        throw new NetFailure('cancelled', 'The call was taken back before it was sent.', {
          leg: 'connect',
          bytesLeft: false,
        });
      came = await call.again(payment);
      return httpAnswerOf(came, placeOf(server, tool));
    },
  };
  const outcome = await wallet.pay(
    {
      ...(approvalId === undefined ? {} : { approval_id: approvalId }),
      ...toolRequest(server, tool, args),
      ...(maxUsd === undefined ? {} : { max_usd: maxUsd }),
      timeout_ms: CALL_MS_MAX,
    },
    // Whoever calls hears of a question at once: the same call goes on with its answer.
    { signal, carrier, asksOwner: true },
  );
  return { outcome, answer: came ?? (await keptAnswer(wallet, outcome)) };
}

/** The answer that was kept of the payment that an outcome replays. */
async function keptAnswer(wallet: Wallet, { payment, status }: Outcome): Promise<JsonObject | null> {
  if (payment === null || status !== 'ok') return null;
  const engine = await wallet.engine();
  const stored = await engine.ledger.findAnswer(engine.agent, { paymentId: payment.id });
  const bytes = stored === null ? null : await bytesOf(engine.home, stored);
  const value = bytes === null ? undefined : parseJson(new TextDecoder().decode(bytes));
  return isJsonObject(value) ? value : null;
}

async function bytesOf(home: string, { body, storedId }: Answer): Promise<Uint8Array | null> {
  if (body !== null || storedId === null) return body;
  return readFile(storedPath(home, storedId)).catch(() => null);
}
