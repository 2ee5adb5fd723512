import { PAID_PROTOCOLS } from '../../protocols/protocol.js';
import { z } from 'zod';
import { CATEGORIES } from '../../discovery/category.js';

/** A need longer than this is a document. */
const NEED_LENGTH_MAX = 1_000;
/** Results of one page. */
export const LIMIT_DEFAULT = 5;
export const FULL_LIMIT_DEFAULT = 3;
const LIMIT_MAX = 25;

/** Arguments of `wallet_discover`. */
export const discoverInput = z.strictObject({
  need: z
    .string()
    .min(1)
    .max(NEED_LENGTH_MAX)
    .optional()
    .describe('What you need, in plain words: the thing, what you have, what you want back.'),
  origin: z.string().optional().describe('List one site live instead: its root URL, or one endpoint of it.'),
  max_usd: z
    .union([z.string(), z.number()])
    .optional()
    .describe('Most one call may cost, decimal dollars as text, such as "0.02".'),
  networks: z
    .array(z.string())
    .optional()
    .describe('CAIP-2 names; those this wallet pays on unless given. ["any"] lists what it cannot pay too.'),
  protocol: z.enum(PAID_PROTOCOLS).optional().describe('Only what is listed with it.'),
  category: z.enum(CATEGORIES).optional(),
  limit: z.number().int().min(1).max(LIMIT_MAX).optional().describe('Results; 5 unless given, 3 with full.'),
  cursor: z.string().optional().describe('next_cursor of the page before, with the same other arguments.'),
  detail: z
    .enum(['concise', 'full'])
    .optional()
    .describe('full adds input and output schemas, payees, use, and other endpoints of the site.'),
});

export type DiscoverInput = z.infer<typeof discoverInput>;
