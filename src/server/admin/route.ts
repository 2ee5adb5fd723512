import { z } from 'zod';
import type { AdminRole } from '../../config/value/adminClient.js';
import type { AdminClient } from '../../owner/adminClients.js';
import type { AdminParts } from './parts.js';

/** What a route works with. */
export interface AdminCall extends AdminParts {
  readonly client: AdminClient;
}

/** What comes with a request, by where it stands. */
interface Given {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** One operation of the API: its schemas read requests, and the document is made of them. */
export interface AdminRoute {
  readonly method: 'get' | 'post';
  /** Below `/admin/v1`, with `{name}` for what `params` has. */
  readonly path: string;
  readonly id: string;
  readonly role: AdminRole;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject | null;
  readonly answer: z.ZodType;
  /** What of an act stands in the journal beside its name; null for what only reads. */
  readonly noted: ((given: Given) => string) | null;
  /** Whether it stops something: then it is done first, and noted where the ledger can be written. */
  readonly stops: boolean;
  readonly handle: (call: AdminCall, given: Given) => Promise<object>;
}

const NOTHING = z.strictObject({});

/** Makes a route whose handler gets what its own schemas read. */
export function route<
  Params extends z.ZodObject = typeof NOTHING,
  Query extends z.ZodObject = typeof NOTHING,
  Body extends z.ZodObject = typeof NOTHING,
>(row: {
  readonly method: AdminRoute['method'];
  readonly path: string;
  readonly id: string;
  readonly role: AdminRole;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer: z.ZodType;
  readonly noted?: (given: { params: z.output<Params>; body: z.output<Body> }) => string;
  readonly stops?: boolean;
  readonly handle: (
    call: AdminCall,
    given: { params: z.output<Params>; query: z.output<Query>; body: z.output<Body> },
  ) => Promise<object>;
}): AdminRoute {
  return {
    ...row,
    params: row.params ?? NOTHING,
    query: row.query ?? NOTHING,
    body: row.body ?? null,
    noted: (row.noted ?? null) as AdminRoute['noted'],
    stops: row.stops ?? false,
    handle: row.handle as AdminRoute['handle'],
  };
}
