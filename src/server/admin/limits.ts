import { z } from 'zod';
import { listKeys } from '../../config/change.js';
import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import type { BudgetState } from '../../owner/ownerBudgets.js';
import type { KeyText } from '../../owner/ownerConfig.js';
import type { ReviewedChange } from '../../owner/ownerSettings.js';
import { route, type AdminCall } from './route.js';
import { agentName, challenge, digest, passkey, passkeyPlace, proofOf, usd } from './schemas.js';

/** Settings that say what may be spent, by whom and where. Others hold addresses and keys of the owner's: not here. */
const LIMIT_KEY = /^(?:limits|ceilings|budgets|hosts|categories|agents)\./;
/** Longer than any list of hosts that a person reads. */
const VALUE_CHARS_MAX = 8_000;

const key = z.string().max(300).regex(LIMIT_KEY).describe('A setting, such as limits.per_day_usd.');
const value = z
  .string()
  .min(1)
  .max(VALUE_CHARS_MAX)
  .describe('As text, as the command line has it; none takes it away.');
const change = z.object({ key: z.string(), before: z.string(), after: z.string(), direction: z.string() });
const budgetName = agentName.describe('Name of a budget.');
const budget = z.object({
  name: z.string(),
  parent: z.string().nullable(),
  path: z.array(z.string()),
  until: z.string().nullable(),
  agents: z.array(z.string()),
  lines: z.array(
    z.object({ name: z.string(), max_usd: usd, used_usd: usd, left_usd: usd, nearly_spent: z.boolean() }),
  ),
});
const changed = z.object({ changes: z.array(change) });
const budgetFields = {
  per_day_usd: value.optional(),
  per_month_usd: value.optional(),
  total_usd: value.optional(),
  until: value.optional(),
  parent: value.optional(),
};

/** Limits and budgets: an operator tightens, and what loosens is the owner's, with their passkey for what was shown. */
export const limitRoutes = [
  route({
    ...{ method: 'get', path: '/limits', id: 'listLimits', role: 'viewer' },
    summary: 'The settings that say what may be spent, by whom and where.',
    answer: z.object({ limits: z.array(z.object({ key: z.string(), value: z.string() })) }),
    handle: async ({ config }) => ({
      limits: listKeys(await config())
        .filter((row) => LIMIT_KEY.test(row.key))
        .map((row) => ({ key: row.key, value: row.value })),
    }),
  }),
  route({
    ...{ method: 'post', path: '/limits/tighten', id: 'tightenLimits', role: 'operator' },
    summary: 'Sets limits in one step, all or none. Refused where one of them loosens.',
    body: z.strictObject({ changes: z.array(z.strictObject({ key, value })).min(1).max(20) }),
    answer: changed,
    noted: ({ body }) => body.changes.map((one) => `${one.key}=${one.value}`).join(' '),
    handle: (call, { body }) =>
      tighten(
        call,
        body.changes.map((one) => ({ key: one.key, text: one.value })),
      ),
  }),
  route({
    ...{ method: 'post', path: '/limits/propose', id: 'proposeLimit', role: 'operator' },
    summary: 'Shows a change of one limit, whole, as it would be proved. Nothing is changed.',
    body: z.strictObject({ key, value }),
    answer: change.extend({ what: z.string(), details: z.array(z.string()), digest }),
    handle: ({ settings }, { body }) => Promise.resolve(viewOf(settings.review(body.key, body.value))),
  }),
  route({
    ...{ method: 'post', path: '/limits/challenge', id: 'challengeLimit', role: 'approver' },
    summary: 'A challenge for the owner’s passkey, bound to a change as it was proposed.',
    body: z.strictObject({ key, value, digest }),
    answer: challenge,
    handle: async ({ settings, config }, { body }) => {
      const proposed = settings.review(body.key, body.value);
      // T18: what is signed is what was shown.
      if (proposed.digest !== body.digest) throw movedOn();
      const ask = await settings.challenge(proposed, passkeyPlace(await config()));
      return { challenge_id: ask.challengeId, options: ask.options };
    },
  }),
  route({
    ...{ method: 'post', path: '/limits/apply', id: 'applyLimit', role: 'approver' },
    summary: 'Makes a change that was proposed; one that loosens with the owner’s passkey.',
    body: z.strictObject({ key, value, digest, passkey: passkey.optional() }),
    answer: changed,
    noted: ({ body }) => `${body.key}=${body.value}`,
    handle: async ({ settings }, { body }) => {
      const proposed = settings.review(body.key, body.value);
      const made = await settings.apply(proposed, body.digest, proofOf(body.passkey));
      return { changes: [changeOf(made)] };
    },
  }),
  route({
    ...{ method: 'get', path: '/budgets', id: 'listBudgets', role: 'viewer' },
    summary: 'Every budget, each behind the one above it, with what is left.',
    answer: z.object({ budgets: z.array(budget) }),
    handle: async ({ budgets }) => ({ budgets: (await budgets()).map(budgetOf) }),
  }),
  route({
    ...{ method: 'post', path: '/budgets/{name}', id: 'setBudget', role: 'operator' },
    summary:
      'Makes a budget, or makes one smaller. What loosens is proposed as a limit: budgets.NAME.total_usd and so on.',
    ...{ params: z.strictObject({ name: budgetName }), body: z.strictObject(budgetFields), answer: changed },
    noted: ({ params, body }) => `${params.name} ${JSON.stringify(body)}`,
    handle: (call, { params, body }) =>
      tighten(
        call,
        // An amount first: a place in the tree needs one.
        Object.entries(body).flatMap(([field, text]) =>
          text === undefined ? [] : [{ key: `budgets.${params.name}.${field}`, text }],
        ),
      ),
  }),
  route({
    ...{ method: 'post', path: '/agents/{name}/budget', id: 'moveAgent', role: 'operator' },
    summary:
      'Puts an agent that is in none into a budget; to move one on loosens, and is proposed as agents.NAME.budget.',
    ...{
      params: z.strictObject({ name: agentName }),
      body: z.strictObject({ budget: budgetName }),
      answer: changed,
    },
    noted: ({ params, body }) => `${params.name} ${body.budget}`,
    handle: (call, { params, body }) =>
      tighten(call, [{ key: `agents.${params.name}.budget`, text: body.budget }]),
  }),
];

async function tighten({ settings }: AdminCall, keys: readonly KeyText[]): Promise<object> {
  if (keys.length === 0) throw new WalletError('bad_input', 'There is nothing to change.');
  return { changes: (await settings.tighten(keys)).map(changeOf) };
}

function viewOf({ act, digest: shown, ...made }: ReviewedChange): object {
  return { ...changeOf(made), what: act.what, details: act.details, digest: shown };
}

function changeOf(made: Pick<ReviewedChange, 'key' | 'before' | 'after' | 'direction'>): object {
  return { key: made.key, before: made.before, after: made.after, direction: made.direction };
}

function budgetOf({ name, parent, path, until, agents, lines }: BudgetState): object {
  return {
    ...{ name, parent, path, until, agents },
    lines: lines.map(({ line, usedUsdMicros, leftUsdMicros, isNearlySpent }) => ({
      name: line.name,
      max_usd: formatUsd(line.usdMicrosMax),
      ...{ used_usd: formatUsd(usedUsdMicros), left_usd: formatUsd(leftUsdMicros) },
      nearly_spent: isNearlySpent,
    })),
  };
}

function movedOn(): WalletError {
  return new WalletError('approval_changed', 'A setting was changed meanwhile; propose the change again.');
}
