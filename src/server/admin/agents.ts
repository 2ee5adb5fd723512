import { z } from 'zod';
import type { ActOrder } from '../../owner/ownerActs.js';
import { standingOf } from '../../ledger/books/agent.js';
import { parseDuration } from '../../text/duration.js';
import { route } from './route.js';
import {
  agentName,
  challenge,
  digest,
  iso,
  passkey,
  passkeyPlace,
  proofOf,
  templateName,
  time,
} from './schemas.js';

const agent = z.object({
  name: agentName,
  state: z.string(),
  added: time.nullable(),
  token_created: time.nullable(),
  budget: z.string().nullable(),
  until: time.nullable().describe('From when on it may do nothing more; its state is then expired.'),
  template: z.string().nullable(),
});
const made = z.object({ name: agentName, until: time.nullable(), token: z.string() });
const life = z
  .string()
  .regex(/^\d{1,6}[smhd]$/)
  .describe('A time such as 8h or 7d.');
const review = z.object({ what: z.string(), details: z.array(z.string()), digest });
const done = z.object({ message: z.string() });
const signed = z.strictObject({ digest, passkey: passkey.optional() });
const named = z.strictObject({ name: agentName });

/** Agents, and the brake of one and of all: whoever operates may stop, and only the owner's passkey lets go on. */
export const agentRoutes = [
  route({
    ...{ method: 'get', path: '/agents', id: 'listAgents', role: 'viewer' },
    summary: 'Every agent that ever was.',
    answer: z.object({ agents: z.array(agent) }),
    handle: async ({ ledger, config, now }) => {
      const { agents } = await config();
      return {
        agents: (await ledger.agents.list()).map((one) => ({
          ...{ name: one.name, state: standingOf(one, now()), token_created: iso(one.tokenMs) },
          ...{ added: iso(one.addedMs === 0 ? null : one.addedMs), until: iso(one.untilMs) },
          ...{ budget: agents.budgets.get(one.name) ?? null, template: one.template },
        })),
      };
    },
  }),
  route({
    ...{ method: 'post', path: '/templates/{template}/agents', id: 'addAgent', role: 'operator' },
    summary:
      'Makes an agent of a template, as many as the owner’s template allows; its token is shown once. Where it allows none, the owner makes them.',
    ...{ params: z.strictObject({ template: templateName }), answer: made },
    body: z.strictObject({ name: agentName, for: life.optional() }),
    noted: ({ params, body }) =>
      `${body.name} ${params.template}${body.for === undefined ? '' : ` ${body.for}`}`,
    handle: async ({ addAgent }, { params, body }) => {
      const forMs = body.for === undefined ? undefined : (parseDuration(body.for) ?? 0);
      const { agent: added, token } = await addAgent({ ...params, name: body.name, forMs });
      return { name: added.name, until: iso(added.untilMs), token };
    },
  }),
  route({
    ...{ method: 'post', path: '/agents/{name}/suspend', id: 'suspendAgent', role: 'operator' },
    summary: 'Stops one agent at once, in every process; its token opens nothing.',
    ...{ params: named, answer: done, stops: true },
    noted: ({ params }) => params.name,
    handle: async ({ suspend }, { params: { name } }) => {
      await suspend(name);
      return { message: `${name} may do nothing until it is resumed.` };
    },
  }),
  ...actRoutes({
    ...{ path: '/agents/{name}/resume', id: 'resumeAgent', role: 'approver' },
    summary: 'Lets a suspended agent act again',
    params: named,
    orderOf: ({ name }) => ({ kind: 'resume_agent', subject: name }),
  }),
  ...actRoutes({
    ...{ path: '/agents/{name}/prolong/{for}', id: 'prolongAgent', role: 'owner' },
    summary: 'Gives an agent whose time is limited more of it',
    params: z.strictObject({ name: agentName, for: life }),
    orderOf: (given) => ({ kind: 'prolong_agent', subject: `${given.name} ${given.for}` }),
  }),
  ...actRoutes({
    ...{ path: '/agents/{name}/rotate', id: 'rotateAgent', role: 'owner' },
    summary: 'Gives an agent a new token, shown once',
    params: named,
    orderOf: ({ name }) => ({ kind: 'rotate_token', subject: name }),
  }),
  route({
    ...{ method: 'post', path: '/freeze', id: 'freeze', role: 'operator' },
    summary: 'Stops all signing and sending, on every server.',
    ...{ answer: done, stops: true },
    noted: () => '',
    handle: async ({ freeze }) => {
      await freeze();
      return { message: 'The wallet is frozen.' };
    },
  }),
  ...actRoutes({
    ...{ path: '/unfreeze', id: 'unfreeze', role: 'approver' },
    summary: 'Lets the wallet sign again',
    params: z.strictObject({}),
    orderOf: () => ({ kind: 'unfreeze', subject: '' }),
  }),
];

/** An act of the owner's: shown, challenged, and done by the passkey that signed what was shown. */
function actRoutes<Params extends z.ZodObject>({
  path,
  id,
  role,
  params,
  summary,
  orderOf,
}: {
  readonly path: string;
  readonly id: string;
  readonly role: 'approver' | 'owner';
  readonly params: Params;
  readonly summary: string;
  readonly orderOf: (params: z.output<Params>) => ActOrder;
}) {
  const noted = (given: { params: z.output<Params> }): string => orderOf(given.params).subject;
  return [
    route({
      ...{ method: 'get', path, id: `${id}Review`, role, params, answer: review },
      summary: `${summary}: shows it; nothing is done.`,
      handle: async ({ acts }, given) => {
        const { act, digest: shown } = await acts.review(orderOf(given.params));
        return { what: act.what, details: act.details, digest: shown };
      },
    }),
    route({
      ...{ method: 'post', path: `${path}/challenge`, id: `${id}Challenge`, role, params, answer: challenge },
      summary: `${summary}: a challenge for the owner’s passkey, bound to what was shown.`,
      body: z.strictObject({ digest }),
      handle: async ({ acts, config }, given) => {
        const ask = await acts.challenge(
          orderOf(given.params),
          given.body.digest,
          passkeyPlace(await config()),
        );
        return { challenge_id: ask.challengeId, options: ask.options };
      },
    }),
    route({
      ...{ method: 'post', path, id, role, params, body: signed },
      summary: `${summary}: with the owner’s passkey.`,
      answer: z.object({ message: z.string(), token: z.string().optional() }),
      noted,
      handle: async ({ acts }, given) => {
        const { digest: shown, passkey: proof } = given.body;
        const { message, secret } = await acts.apply(orderOf(given.params), shown, proofOf(proof));
        return { message, ...(secret === undefined ? {} : { token: secret }) };
      },
    }),
  ];
}
