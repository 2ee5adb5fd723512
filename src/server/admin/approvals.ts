import { z } from 'zod';
import type { Answer, Approval } from '../../approvals/inbox.js';
import { formatUsd, parseUsd } from '../../money/decimal.js';
import { WalletError } from '../../errors/walletError.js';
import { route } from './route.js';
import { challenge, digest, id, iso, passkey, passkeyPlace, proofOf, time, usd } from './schemas.js';

const approval = z.object({
  id,
  digest,
  state: z.string(),
  agent: z.string(),
  client: z.string().nullable().describe('What the client calls itself: its own word.'),
  host: z.string(),
  method: z.string(),
  url: z.string(),
  usd,
  amount_atomic: z.string(),
  asset: z.string(),
  network: z.string(),
  pay_to: z.string(),
  why: z.string(),
  agent_says: z.string().nullable().describe('Untrusted.'),
  seller_says: z.string().nullable().describe('Untrusted.'),
  session_max_usd: usd.nullable().describe('What an answer of kind session may raise the session to.'),
  takes_payee: z.boolean(),
  created: time,
  expires: time,
  answered: time.nullable(),
  answered_by: z.string().nullable(),
});
const given = z.strictObject({ id });
const no = z.strictObject({ digest, answer: z.enum(['no', 'block_host']) });
const yesFields = {
  digest,
  answer: z.enum(['once', 'session', 'payee']),
  session_usd: usd.optional().describe('With session: the session’s new cap.'),
};

/** Questions that wait for the owner: an operator may say no, and a yes takes the owner's passkey for that very answer. */
export const approvalRoutes = [
  route({
    ...{ method: 'get', path: '/approvals', id: 'listApprovals', role: 'viewer' },
    summary: 'Questions to the owner: those that wait, oldest first, or the others, newest first.',
    query: z.strictObject({ state: z.enum(['pending', 'recent']).default('pending') }),
    answer: z.object({ approvals: z.array(approval) }),
    handle: async ({ inbox }, { query }) => ({ approvals: (await inbox.list(query.state)).map(viewOf) }),
  }),
  route({
    ...{ method: 'get', path: '/approvals/{id}', id: 'showApproval', role: 'viewer' },
    summary: 'One question.',
    ...{ params: given, answer: approval },
    handle: async ({ inbox }, { params }) => {
      const found = await inbox.show(params.id);
      if (found === null) throw new WalletError('approval_unknown', 'There is no approval by that id.');
      return viewOf(found);
    },
  }),
  route({
    ...{ method: 'post', path: '/approvals/{id}/deny', id: 'denyApproval', role: 'operator' },
    summary: 'Says no, or no and blocks the host.',
    ...{ params: given, body: no, answer: approval },
    noted: ({ params, body }) => `${params.id} ${body.answer}`,
    handle: async ({ inbox }, { params, body }) =>
      viewOf(await inbox.answer(params.id, body.digest, { kind: body.answer }, null)),
  }),
  route({
    ...{ method: 'post', path: '/approvals/{id}/challenge', id: 'challengeApproval', role: 'approver' },
    summary: 'A challenge for the owner’s passkey, bound to this question and this answer.',
    ...{ params: given, body: z.strictObject(yesFields), answer: challenge },
    handle: async ({ inbox, config }, { params, body }) => {
      const at = passkeyPlace(await config());
      const ask = await inbox.passkeyChallenge(params.id, body.digest, yesOf(body), at);
      return { challenge_id: ask.challengeId, options: ask.options };
    },
  }),
  route({
    ...{ method: 'post', path: '/approvals/{id}/approve', id: 'approve', role: 'approver' },
    summary: 'Says yes, with the owner’s passkey over this question and this answer.',
    ...{
      params: given,
      body: z.strictObject({ ...yesFields, passkey: passkey.optional() }),
      answer: approval,
    },
    noted: ({ params, body }) => `${params.id} ${body.answer}`,
    handle: async ({ inbox }, { params, body }) =>
      viewOf(await inbox.answer(params.id, body.digest, yesOf(body), proofOf(body.passkey))),
  }),
];

function yesOf({
  answer,
  session_usd: sessionUsd,
}: {
  answer: 'once' | 'session' | 'payee';
  session_usd?: string | undefined;
}): Extract<Answer, { kind: 'once' | 'session' | 'payee' }> {
  if (answer !== 'session') return { kind: answer };
  if (sessionUsd === undefined)
    throw new WalletError('bad_input', 'An answer of kind session needs session_usd.');
  return { kind: 'session', usdMicros: parseUsd(sessionUsd, 'session_usd') };
}

function viewOf({ question, digest: shown, state, choices, answeredMs, answeredBy }: Approval): object {
  const { approvalId, agent, client, host, method, url, usdMicros, amountAtomic } = question;
  return {
    ...{ id: approvalId, digest: shown, state, agent, client, host, method, url },
    ...{ usd: formatUsd(usdMicros), amount_atomic: amountAtomic.toString() },
    ...{ asset: question.assetSymbol, network: question.network, pay_to: question.payTo, why: question.why },
    ...{ agent_says: question.agentSays, seller_says: question.sellerSays },
    session_max_usd: choices.session === null ? null : formatUsd(choices.session.maxUsdMicros),
    takes_payee: choices.payee,
    ...{ created: iso(question.createdMs), expires: iso(question.expiresMs) },
    ...{ answered: iso(answeredMs), answered_by: answeredBy },
  };
}
