import { z } from 'zod';
import { WalletError } from '../../errors/walletError.js';
import { route } from './route.js';
import { id, iso, time } from './schemas.js';

/** Acts that are shown: more than anybody looks back. */
const ACTS_MAX = 200;

const proposal = z.object({
  ...{ id, what: z.string(), details: z.array(z.string()) },
  by: z.string().describe('The owner who proposed it.'),
  ...{ created: time, expires: time },
});

/** What owners agree on: read by whoever reads, and ended by whoever may stop. */
export const ownerRoutes = [
  route({
    ...{ method: 'get', path: '/owners', id: 'showOwners', role: 'viewer' },
    summary:
      'How many owners a loosening needs, and what waits for a second one: another owner confirms it by doing the same, with a passkey of theirs.',
    answer: z.object({ quorum: z.number(), proposals: z.array(proposal) }),
    handle: async ({ ledger, now }) => ({
      quorum: await ledger.owners.quorum(),
      proposals: (await ledger.owners.proposals(now())).map(
        ({ id, what, details, by, createdMs, expiresMs }) => ({
          ...{ id, what, details, by: by.owner, created: iso(createdMs), expires: iso(expiresMs) },
        }),
      ),
    }),
  }),
  route({
    ...{ method: 'post', path: '/owners/proposals/{id}/withdraw', id: 'withdrawProposal', role: 'operator' },
    summary: 'Ends what an owner proposed: nothing is loosened by it any more.',
    ...{ params: z.strictObject({ id }), answer: z.object({ message: z.string() }) },
    noted: ({ params }) => params.id,
    handle: async ({ ledger, now }, { params }) => {
      if (!(await ledger.owners.withdraw(params.id, null, now())))
        throw new WalletError('not_found', 'Nothing waits for a second owner by that id.');
      return { message: 'Withdrawn; nothing was done.' };
    },
  }),
  route({
    ...{ method: 'get', path: '/owners/acts', id: 'listOwnersActs', role: 'viewer' },
    summary:
      'What owners allowed, proposed and withdrew on any face, with who, newest first, from the journal.',
    answer: z.object({
      acts: z.array(
        z.object({
          ...{ time, act: z.string(), what: z.string() },
          by: z.array(z.object({ owner: z.string(), factor: z.string().nullable() })),
        }),
      ),
    }),
    handle: async ({ ledger }) => ({
      acts: (await ledger.owners.entries(ACTS_MAX)).map(({ atMs, act, what, by }) => ({
        ...{ time: iso(atMs), act, what, by },
      })),
    }),
  }),
];
