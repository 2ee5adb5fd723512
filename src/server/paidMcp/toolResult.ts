import { formatUsd } from '../../money/decimal.js';
import { PAYMENT_METAS } from '../../protocols/mcp/payment.js';
import { isJsonObject, statedField, statedText, type JsonObject } from '../../text/json.js';
import type { ToldOutcome } from '../../wallet/answer/outcome.js';

/** What stands in a result's `_meta` of ours: no server's own is passed on under these names. */
const MONEY_META = 'purser/money';
const OUTCOME_META = 'purser/payment';
const OUR_META: readonly string[] = [MONEY_META, OUTCOME_META, ...PAYMENT_METAS];

/** Tools of this wallet: a server's tool that takes one of their names is not shown, and not called. */
const OWN_NAME = /^wallet_/i;

/** Whether a server's tool bears a name of the wallet's own. */
export function isOwnName(name: unknown): boolean {
  return typeof name === 'string' && OWN_NAME.test(name);
}

/** A server's answer without what only the wallet may say in it. */
export function withoutOurMeta(answer: JsonObject): JsonObject {
  const result = statedField(answer, 'result');
  return isJsonObject(result) ? { ...answer, result: cleaned(result) } : answer;
}

/** What a server made, without what stands in its `_meta` in the wallet's name. */
function cleaned(made: JsonObject): JsonObject {
  const meta = statedField(made, '_meta');
  if (!isJsonObject(meta)) return made;
  const kept = Object.entries(meta).filter(([name]) => !OUR_META.includes(name));
  return { ...made, _meta: Object.fromEntries(kept) };
}

/** The result of a paid call, with what happened to the money in `_meta` and in one line of text. */
export function withMoney(answer: JsonObject, told: ToldOutcome): JsonObject {
  const clean = withoutOurMeta(answer);
  const result = statedField(clean, 'result');
  if (!isJsonObject(result)) return clean;
  const content = statedField(result, 'content');
  const meta = statedField(result, '_meta');
  return {
    ...clean,
    result: {
      ...result,
      content: [...(Array.isArray(content) ? content : []), line(told)],
      _meta: { ...(isJsonObject(meta) ? meta : {}), ...moneyMeta(told) },
    },
  };
}

/** The result of a call that was not paid, or brought nothing: what happened, and what to do next. */
export function refusedResult(told: ToldOutcome): JsonObject {
  const owner =
    told.tell_owner === null ? [] : [{ type: 'text', text: `Tell the owner: ${told.tell_owner}` }];
  return { content: [line(told), ...owner], isError: true, _meta: moneyMeta(told) };
}

function line({ message, money, payment }: ToldOutcome): JsonObject {
  const id = payment === null ? '' : `; payment: ${payment.id}`;
  return { type: 'text', text: `Purser: ${message} (money: ${money}${id})` };
}

function moneyMeta({ status, code, money, retry, payment }: ToldOutcome): JsonObject {
  const paid =
    payment === null ? null : { id: payment.id, state: payment.state, usd: payment.usd, tx: payment.tx };
  return { [MONEY_META]: money, [OUTCOME_META]: { status, code, retry, payment: paid } };
}

/** A list of tools without those that bear a name of ours, each with its price where that is known. */
export function withPrices(answer: JsonObject, prices: ReadonlyMap<string, bigint>): JsonObject {
  const result = statedField(answer, 'result');
  const tools = isJsonObject(result) ? statedField(result, 'tools') : undefined;
  if (!isJsonObject(result) || !Array.isArray(tools)) return answer;
  const shown = tools
    .filter(isJsonObject)
    .filter((tool) => !isOwnName(statedField(tool, 'name')))
    .map((tool) => priced(cleaned(tool), prices));
  return { ...answer, result: { ...cleaned(result), tools: shown } };
}

function priced(tool: JsonObject, prices: ReadonlyMap<string, bigint>): JsonObject {
  const price = prices.get(statedText(tool, 'name') ?? '');
  if (price === undefined) return tool;
  const description = statedText(tool, 'description') ?? '';
  return {
    ...tool,
    description: `${description}${description === '' ? '' : '\n\n'}[Purser: a call cost $${formatUsd(price)} when last asked; it is paid from the wallet within the owner's limits.]`,
  };
}
