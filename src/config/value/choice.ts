import { z } from 'zod';
import { kindOf, type ValueKind } from './kind.js';

const FLAG_WORDS = 'must be true or false';
const flagSchema = z.boolean(FLAG_WORDS);

/** Yes or no. */
export const flag: ValueKind<boolean> = kindOf(flagSchema, 'as JSON');

/** The APIs that programs speak through the proxy. */
const DIALECTS = ['openai', 'anthropic', 'plain'] as const;
export type Dialect = (typeof DIALECTS)[number];

const DIALECT_WORDS = 'must be openai, anthropic or plain';
const dialectSchema = z.enum(DIALECTS, DIALECT_WORDS);

/** The API that an upstream speaks. */
export const upstreamDialect: ValueKind<Dialect> = kindOf(dialectSchema, 'as text');

/** How the owner is told of something. */
export const CHANNEL_KINDS = ['desktop', 'webhook', 'slack', 'discord', 'telegram', 'ntfy', 'email'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];
const CHANNEL_KIND_WORDS = `must be none or one of ${CHANNEL_KINDS.join(', ')}`;
/** The kind of a channel. */
export const channelKind: ValueKind<ChannelKind> = kindOf(
  z.enum(CHANNEL_KINDS, CHANNEL_KIND_WORDS),
  'as text',
);

/** What the owner can be told of: the kinds that ledger/books/notice has, a test holds the two together. */
export const TOLD_KINDS: readonly string[] = [
  ...['approval', 'payee_changed', 'price_changed', 'cap', 'budget', 'money_low', 'refill', 'lost'],
  ...['unknown', 'factor', 'client', 'proposal'],
];
const TOLD_WORDS = `must be a JSON list of ${TOLD_KINDS.join(', ')}`;
/** Kinds of notices, sorted, each once. */
export const toldKinds: ValueKind<readonly string[]> = kindOf(
  z.codec(
    z.array(
      z.string(TOLD_WORDS).refine((kind) => TOLD_KINDS.includes(kind), TOLD_WORDS),
      TOLD_WORDS,
    ),
    z.array(z.string()).readonly(),
    { decode: (kinds) => [...new Set(kinds)].sort(), encode: (kinds) => [...kinds] },
  ),
  'as JSON',
);

/** Whether a payment may go with a first request: never, or where the price is known to be fixed. */
const PAY_AHEAD = ['off', 'fixed'] as const;
export type PayAhead = (typeof PAY_AHEAD)[number];
const payAheadSchema = z.enum(PAY_AHEAD, 'must be off or fixed');
/** Where a payment goes with the first request. */
export const payAhead: ValueKind<PayAhead> = kindOf(payAheadSchema, 'as text');
