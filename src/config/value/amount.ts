import { z } from 'zod';
import { isRate } from '../../money/bitcoin.js';
import { formatUsd, parseUsd } from '../../money/decimal.js';
import type { UsdMicros } from '../../money/unit.js';
import { kindOf, type ValueKind } from './kind.js';
import { isRateUrl } from './url.js';

/** Twelve digits of dollars: their micro-dollars still fit the ledger's signed 64-bit integers, sums included. */
const USD_TEXT = /^\d{1,12}(\.\d{1,6})?$/;

const USD_WORDS = 'must be dollars as decimal text with at most six decimals, such as "0.50"';
const usdSchema = z.codec(z.string(USD_WORDS).regex(USD_TEXT, USD_WORDS), z.bigint(), {
  decode: (text) => parseUsd(text, 'the amount'),
  encode: formatUsd,
});

/** Dollars, parsed to micro-dollars. */
export const usd: ValueKind<UsdMicros> = kindOf(usdSchema, 'as text');
/** More than one payment each 6 ms serves no agent, and the ledger reads this many rows to count. */
const CALLS_MAX = 10_000;

const COUNT_WORDS = `must be a whole number from 0 to ${CALLS_MAX}`;
const countSchema = z.int(COUNT_WORDS).min(0, COUNT_WORDS).max(CALLS_MAX, COUNT_WORDS);

/** Payments in a minute. */
export const callCount: ValueKind<number> = kindOf(countSchema, 'as JSON');
/** The longest wait inside a call: under the shortest limit of common clients, 60 s. */
const WAIT_SEC_MAX = 45;
const WAIT_WORDS = `must be whole seconds from 0 to ${WAIT_SEC_MAX}`;
const waitSchema = z.int(WAIT_WORDS).min(0, WAIT_WORDS).max(WAIT_SEC_MAX, WAIT_WORDS);

/** How long a call waits for a person. */
export const waitSeconds: ValueKind<number> = kindOf(waitSchema, 'as JSON');

/** A week. */
const MINUTES_MAX = 10_080;
const MINUTES_WORDS = `must be none or whole minutes from 1 to ${MINUTES_MAX}`;
/** Minutes that something waits. */
export const minutes: ValueKind<number> = kindOf(
  z.int(MINUTES_WORDS).min(1, MINUTES_WORDS).max(MINUTES_MAX, MINUTES_WORDS),
  'as JSON',
);

const HOURS_WORDS = 'must be none or two times of day, such as 22:00-07:00';
/** Hours of each day, by the clock of this machine. */
export const hoursOfDay: ValueKind<string> = kindOf(
  z.string(HOURS_WORDS).regex(/^(none|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$/, HOURS_WORDS),
  'as text',
);

/** A day of the calendar, in UTC. */
export const day: ValueKind<string> = kindOf(
  z.iso.date('must be none or a day, such as 2027-03-31'),
  'as text',
);

/** Derived keys beyond this many are a mistake: each costs an owner a look. */
const INDEX_MAX = 100_000;
const INDEX_WORDS = `must be a whole number from 0 to ${INDEX_MAX}`;
const indexSchema = z.int(INDEX_WORDS).min(0, INDEX_WORDS).max(INDEX_MAX, INDEX_WORDS);

/** Which of the wallet's keys an agent has. */
export const keyIndex: ValueKind<number> = kindOf(indexSchema, 'as JSON');

/** More satoshi than any routing fee, or more percent, is a mistake. */
const FEE_SAT_MAX = 100_000;
const FEE_SAT_WORDS = `must be a whole number of satoshi from 0 to ${FEE_SAT_MAX}`;
const feeSatSchema = z.int(FEE_SAT_WORDS).min(0, FEE_SAT_WORDS).max(FEE_SAT_MAX, FEE_SAT_WORDS);
const FEE_PERCENT_MAX = 100;
const FEE_PERCENT_WORDS = `must be whole percent from 0 to ${FEE_PERCENT_MAX}`;
const feePercentSchema = z
  .int(FEE_PERCENT_WORDS)
  .min(0, FEE_PERCENT_WORDS)
  .max(FEE_PERCENT_MAX, FEE_PERCENT_WORDS);

/** Satoshi that routing may cost. */
export const feeSat: ValueKind<number> = kindOf(feeSatSchema, 'as JSON');
/** Percent of an invoice that routing may cost. */
export const feePercent: ValueKind<number> = kindOf(feePercentSchema, 'as JSON');

/** What bitcoin is worth: nowhere, by hand, or as several places say. */
export type RateSource =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly usdMicrosPerBtc: UsdMicros }
  | { readonly kind: 'urls'; readonly urls: readonly string[] };

/** Each is asked for every rate, and two have to agree. */
const RATE_URLS_MIN = 2;
const RATE_URLS_MAX = 8;
const RATE_WORDS = `must be none, dollars for one bitcoin such as "65000.00", or a JSON list of ${RATE_URLS_MIN} to ${RATE_URLS_MAX} https URLs of different hosts, each with a JSON pointer to the price behind #, such as "https://mempool.space/api/v1/prices#/USD"`;
const rateSchema = z.codec(
  z
    .union([z.string(RATE_WORDS), z.array(z.string(RATE_WORDS), RATE_WORDS)], RATE_WORDS)
    .refine(isRateSource, RATE_WORDS),
  z.custom<RateSource>(),
  {
    decode: (given): RateSource => {
      if (typeof given !== 'string') return { kind: 'urls', urls: [...new Set(given)] };
      return given === 'none'
        ? { kind: 'none' }
        : { kind: 'fixed', usdMicrosPerBtc: parseUsd(given, 'the rate') };
    },
    encode: (source): string | string[] => {
      if (source.kind === 'urls') return [...source.urls];
      return source.kind === 'none' ? 'none' : formatUsd(source.usdMicrosPerBtc);
    },
  },
);

function isRateSource(given: string | readonly string[]): boolean {
  if (typeof given === 'string')
    return given === 'none' || (USD_TEXT.test(given) && isRate(parseUsd(given, 'the rate')));
  const hosts = new Set(given.map((text) => (URL.canParse(text) ? new URL(text).host : text)));
  return (
    given.length >= RATE_URLS_MIN &&
    given.length <= RATE_URLS_MAX &&
    hosts.size === given.length &&
    given.every((text) => isRateUrl(text))
  );
}

/** What bitcoin is worth in dollars. */
export const rateSource: ValueKind<RateSource> = {
  ...kindOf(rateSchema, 'as JSON'),
  // Dollars are text, here as everywhere: a number of JSON would be calculated with.
  fromText: (text) =>
    kindOf(rateSchema, text.trimStart().startsWith('[') ? 'as JSON' : 'as text').fromText(text),
};
