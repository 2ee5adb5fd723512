import type { UsdMicros } from '../money/unit.js';
import { z } from 'zod';
import { WalletError } from '../errors/walletError.js';
import { formatUsd, parseUsd } from '../money/decimal.js';
import { isRate } from '../money/bitcoin.js';
import { AGENT_NAME } from '../money/agent.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import { isLoopback, parseHost } from './host.js';

/** A value as config.json holds it. */
export type ConfigJson = string | number | boolean | readonly string[];

/** How one kind of value stands in config.json and on the command line. */
export interface ValueKind<Value> {
  /** Throws `bad_input` with `key` in the sentence. */
  read(key: string, json: unknown): Value;
  print(value: Value): ConfigJson;
  /** What `config set KEY TEXT` means in JSON; nothing is checked yet. */
  fromText(text: string): unknown;
}

/** Twelve digits of dollars: their micro-dollars still fit the ledger's signed 64-bit integers, sums included. */
const USD_TEXT = /^\d{1,12}(\.\d{1,6})?$/;
/** More than one payment each 6 ms serves no agent, and the ledger reads this many rows to count. */
const CALLS_MAX = 10_000;
const RPC_URL_LENGTH_MAX = 2048;

function kindOf<Value>(
  schema: z.ZodType<Value, ConfigJson>,
  written: 'as text' | 'as JSON',
): ValueKind<Value> {
  return {
    read(key, json) {
      const result = schema.safeParse(json);
      if (result.success) return result.data;
      const issue = result.error.issues[0];
      const place = issue?.path.map((step) => `[${String(step)}]`).join('') ?? '';
      throw new WalletError('bad_input', `${key}${place} ${issue?.message ?? 'is invalid'}.`);
    },
    print: (value) => schema.encode(value),
    fromText(text) {
      if (written === 'as text') return text;
      try {
        return JSON.parse(text) as unknown;
      } catch {
        // Not JSON, so a string: the schema then says what it should have been.
        return text;
      }
    },
  };
}

const USD_WORDS = 'must be dollars as decimal text with at most six decimals, such as "0.50"';
const usdSchema = z.codec(z.string(USD_WORDS).regex(USD_TEXT, USD_WORDS), z.bigint(), {
  decode: (text) => parseUsd(text, 'the amount'),
  encode: formatUsd,
});

const COUNT_WORDS = `must be a whole number from 0 to ${CALLS_MAX}`;
const countSchema = z.int(COUNT_WORDS).min(0, COUNT_WORDS).max(CALLS_MAX, COUNT_WORDS);

function hostsSchema(itemWords: string, accepts: (host: string) => boolean, example: string) {
  const item = z.codec(
    z.string(itemWords).refine((text) => accepts(parseHost(text) ?? ''), itemWords),
    z.string(),
    { decode: (text) => parseHost(text) ?? text, encode: (host) => host },
  );
  const list = z.array(item, `must be a JSON list, such as ["${example}"]`);
  // Order means nothing here, so one set of hosts has one text.
  return z.codec(list, z.array(z.string()).readonly(), {
    decode: (hosts) => [...new Set(hosts)].sort(),
    encode: (hosts) => [...hosts],
  });
}

const HOST_WORDS =
  'must be an exact host or host:port, without scheme, path or wildcard, such as api.example.com';
const HOST_PORT_WORDS = 'must be an exact host:port, such as 127.0.0.1:4021';

const networkName = z.custom<Caip2>(
  (name) => typeof name === 'string' && findNetwork(name) !== undefined,
  'must be a network this wallet knows, by its CAIP-2 name, such as eip155:8453',
);
const networksSchema = z.codec(
  z.array(networkName, 'must be a JSON list, such as ["eip155:8453"]'),
  z.array(networkName).readonly(),
  { decode: (names) => [...new Set(names)], encode: (names) => [...names] },
);

const RPC_WORDS = 'must be an https URL (or http on this machine), without user name, fragment or blanks';
const rpcUrlSchema = z.string(RPC_WORDS).max(RPC_URL_LENGTH_MAX, RPC_WORDS).refine(isRpcUrl, RPC_WORDS);

function isRpcUrl(text: string): boolean {
  const url = URL.canParse(text) && !/\s/.test(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

/** More endpoints than this answer no sooner: each is asked only when the one before is silent. */
const RPC_URLS_MAX = 8;
const RPC_LIST_WORDS = `${RPC_WORDS}, or a JSON list of 1 to ${RPC_URLS_MAX} of them`;
const rpcUrlsSchema = z.codec(
  z.union(
    [rpcUrlSchema, z.array(rpcUrlSchema).min(1, RPC_LIST_WORDS).max(RPC_URLS_MAX, RPC_LIST_WORDS)],
    RPC_LIST_WORDS,
  ),
  z.array(z.string()).readonly(),
  {
    decode: (given) => (typeof given === 'string' ? [given] : [...new Set(given)]),
    encode: (urls) => (urls.length === 1 ? (urls[0] ?? '') : [...urls]),
  },
);

const FACILITATOR_WORDS = 'must be none or an http(s) URL, without user name, query or fragment';
const facilitatorSchema = z
  .string(FACILITATOR_WORDS)
  .max(RPC_URL_LENGTH_MAX, FACILITATOR_WORDS)
  .refine((text) => isWebhook(text) && !text.includes('?'), FACILITATOR_WORDS);

const PROXY_WORDS = 'must be none, env or an http(s) URL of a proxy';
const proxySchema = z.string(PROXY_WORDS).max(RPC_URL_LENGTH_MAX, PROXY_WORDS).refine(isProxy, PROXY_WORDS);

function isProxy(text: string): boolean {
  if (text === 'none' || text === 'env') return true;
  const url = /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.hostname !== '';
}

/** The longest wait inside a call: under the shortest limit of common clients, 60 s. */
const WAIT_SEC_MAX = 45;
const WAIT_WORDS = `must be whole seconds from 0 to ${WAIT_SEC_MAX}`;
const waitSchema = z.int(WAIT_WORDS).min(0, WAIT_WORDS).max(WAIT_SEC_MAX, WAIT_WORDS);

const WEBHOOK_WORDS = 'must be none or an http(s) URL, without user name or fragment';
const webhookSchema = z
  .string(WEBHOOK_WORDS)
  .max(RPC_URL_LENGTH_MAX, WEBHOOK_WORDS)
  .refine(isWebhook, WEBHOOK_WORDS);

function isWebhook(text: string): boolean {
  if (text === 'none') return true;
  const url = /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.username === '' && url.password === '' && url.hash === '';
}

const CATALOG_WORDS = 'must be an http(s) URL, without user name, fragment or blanks';
/** More sources than this are a mistake: each is fetched again every few hours. */
const CATALOGS_MAX = 64;
const catalogSchema = z.codec(
  z.string(CATALOG_WORDS).refine((text) => readCatalogUrl(text) !== undefined, CATALOG_WORDS),
  z.string(),
  { decode: (text) => readCatalogUrl(text) ?? text, encode: (url) => url },
);
const catalogsSchema = z.codec(
  z
    .array(catalogSchema, 'must be a JSON list, such as ["https://example.com/discovery/resources"]')
    .max(CATALOGS_MAX, `must have at most ${CATALOGS_MAX} entries`),
  z.array(z.string()).readonly(),
  { decode: (urls) => [...new Set(urls)], encode: (urls) => [...urls] },
);

/** The one spelling of a catalogue's URL, or undefined where the text is none. */
export function readCatalogUrl(text: string): string | undefined {
  if (text.length > RPC_URL_LENGTH_MAX || !/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  const { username, password, hash, hostname, port } = url;
  const isHost = parseHost(port === '' ? hostname : `${hostname}:${port}`) !== undefined;
  return username === '' && password === '' && hash === '' && isHost ? url.href : undefined;
}

/** Folders by what they are to whoever starts the wallet. */
export const FOLDER_WORDS = ['home', 'working', 'temp'] as const;
const FOLDER_TEXT = 'must be home, working, temp or the absolute path of a folder';
const FOLDER_LENGTH_MAX = 4096;
/** More folders than this are a mistake: one may stand above many. */
const FOLDERS_MAX = 64;
const foldersSchema = z.codec(
  z
    .array(z.string(FOLDER_TEXT).refine(isFolder, FOLDER_TEXT), 'must be a JSON list, such as ["working"]')
    .max(FOLDERS_MAX, `must have at most ${FOLDERS_MAX} entries`),
  z.array(z.string()).readonly(),
  { decode: (folders) => [...new Set(folders)].sort(), encode: (folders) => [...folders] },
);

function isFolder(text: string): boolean {
  if (FOLDER_WORDS.some((word) => word === text)) return true;
  return /^(\/|[A-Za-z]:[\\/])[^\u0000-\u001f]*$/.test(text) && text.length <= FOLDER_LENGTH_MAX;
}

/** The APIs that programs speak through the proxy. */
const DIALECTS = ['openai', 'anthropic', 'plain'] as const;
export type Dialect = (typeof DIALECTS)[number];

const UPSTREAM_WORDS = 'must be an http(s) URL, without user name, query or fragment';
const upstreamUrlSchema = z
  .string(UPSTREAM_WORDS)
  .max(RPC_URL_LENGTH_MAX, UPSTREAM_WORDS)
  .refine((text) => text !== 'none' && isWebhook(text) && !text.includes('?'), UPSTREAM_WORDS);
const DIALECT_WORDS = 'must be openai, anthropic or plain';
const dialectSchema = z.enum(DIALECTS, DIALECT_WORDS);

/** A name stands in a path, before what is asked of the upstream. */
const UPSTREAM_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
const UPSTREAM_NAME_WORDS = 'must be none or the name of an upstream, such as openai';
const upstreamNameSchema = z.string(UPSTREAM_NAME_WORDS).regex(UPSTREAM_NAME, UPSTREAM_NAME_WORDS);
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

function isRateUrl(text: string): boolean {
  const url =
    text.length <= RPC_URL_LENGTH_MAX && !/\s/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') return false;
  const isReached = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  return isReached && /^#(?:\/[^/]+)+$/.test(url.hash);
}

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

const FLAG_WORDS = 'must be true or false';
const flagSchema = z.boolean(FLAG_WORDS);

/** Dollars, parsed to micro-dollars. */
export const usd: ValueKind<UsdMicros> = kindOf(usdSchema, 'as text');
/** Payments in a minute. */
export const callCount: ValueKind<number> = kindOf(countSchema, 'as JSON');
/** Hosts as {@link parseHost} writes them, sorted, each once. */
export const hosts: ValueKind<readonly string[]> = kindOf(
  hostsSchema(HOST_WORDS, (host) => host !== '', 'api.example.com'),
  'as JSON',
);
/** Like {@link hosts}, each with its port. */
export const hostPorts: ValueKind<readonly string[]> = kindOf(
  hostsSchema(HOST_PORT_WORDS, (host) => /:\d+$/.test(host), '127.0.0.1:4021'),
  'as JSON',
);
/** Known networks in order of preference, each once. */
export const networks: ValueKind<readonly Caip2[]> = kindOf(networksSchema, 'as JSON');
/** RPCs of the owner's in the order they are asked; API keys may be part of them. */
export const rpcUrls: ValueKind<readonly string[]> = kindOf(rpcUrlsSchema, 'as JSON');

/** Who relays what the owner takes out, or none. */
export const facilitator: ValueKind<string> = kindOf(facilitatorSchema, 'as text');

/** How calls leave this machine; a proxy's password may be part of it. */
export const proxy: ValueKind<string> = kindOf(proxySchema, 'as text');

/** How long a call waits for a person. */
export const waitSeconds: ValueKind<number> = kindOf(waitSchema, 'as JSON');

/** How the owner is told of something. */
export const CHANNEL_KINDS = ['desktop', 'webhook', 'slack', 'discord', 'telegram', 'ntfy', 'email'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];
const CHANNEL_KIND_WORDS = `must be none or one of ${CHANNEL_KINDS.join(', ')}`;
/** The kind of a channel. */
export const channelKind: ValueKind<ChannelKind> = kindOf(
  z.enum(CHANNEL_KINDS, CHANNEL_KIND_WORDS),
  'as text',
);

const CHANNEL_URL_WORDS =
  'must be an https URL (or http on this machine), or smtps:// or smtp:// with a host for mail, without user name or fragment';
/** Where a channel's messages are sent; what only the owner may know of it is no part of it. */
export const channelUrl: ValueKind<string> = kindOf(
  z
    .string(CHANNEL_URL_WORDS)
    .max(RPC_URL_LENGTH_MAX, CHANNEL_URL_WORDS)
    .refine(isChannelUrl, CHANNEL_URL_WORDS),
  'as text',
);

function isChannelUrl(text: string): boolean {
  if (isRpcUrl(text)) return true;
  const url = URL.canParse(text) && !/\s/.test(text) ? new URL(text) : undefined;
  if (url === undefined || !['smtps:', 'smtp:'].includes(url.protocol)) return false;
  return (
    url.username === '' && url.password === '' && /^\/?$/.test(url.pathname) && url.search + url.hash === ''
  );
}

/** One word that another program takes: an address of mail, the number of a chat, a user's name. */
const CHANNEL_WORD = /^[A-Za-z0-9@#._+:=-]{1,200}$/;
const CHANNEL_WORD_WORDS = 'must be none or one word, such as me@example.com or 123456789';
/** Whom a channel's messages are for, or from whom they are. */
export const channelWord: ValueKind<string> = kindOf(
  z.string(CHANNEL_WORD_WORDS).regex(CHANNEL_WORD, CHANNEL_WORD_WORDS),
  'as text',
);

/** A week. */
const MINUTES_MAX = 10_080;
const MINUTES_WORDS = `must be none or whole minutes from 1 to ${MINUTES_MAX}`;
/** Minutes that something waits. */
export const minutes: ValueKind<number> = kindOf(
  z.int(MINUTES_WORDS).min(1, MINUTES_WORDS).max(MINUTES_MAX, MINUTES_WORDS),
  'as JSON',
);

const PAGE_URL_WORDS = 'must be none or https:// with a name, such as https://wallet.example.com:4403';
/** Where the owner’s page is reached from elsewhere: a name, for passkeys are bound to one. */
export const pageUrl: ValueKind<string> = kindOf(
  z.string(PAGE_URL_WORDS).max(RPC_URL_LENGTH_MAX, PAGE_URL_WORDS).refine(isPageUrl, PAGE_URL_WORDS),
  'as text',
);

function isPageUrl(text: string): boolean {
  if (text === 'none') return true;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isName =
    url !== undefined && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(url.hostname) && !/^[\d.]+$/.test(url.hostname);
  return isName && url.protocol === 'https:' && [url.origin, `${url.origin}/`].includes(text);
}

const HOURS_WORDS = 'must be none or two times of day, such as 22:00-07:00';
/** Hours of each day, by the clock of this machine. */
export const hoursOfDay: ValueKind<string> = kindOf(
  z.string(HOURS_WORDS).regex(/^(none|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$/, HOURS_WORDS),
  'as text',
);

/** What the owner can be told of: the kinds that ledger/books/notice has, a test holds the two together. */
export const TOLD_KINDS: readonly string[] = [
  ...['approval', 'payee_changed', 'price_changed', 'cap', 'budget', 'money_low', 'lost', 'unknown'],
  ...['factor', 'client'],
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

/** Reads the `<channel>` of a key; throws `bad_input`. */
export function readChannelName(key: string, name: string): string {
  if (BUDGET_NAME.test(name) && name !== 'none') return name;
  throw new WalletError(
    'bad_input',
    `The channel in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** Where programs' requests are handed to. */
export const upstreamUrl: ValueKind<string> = kindOf(upstreamUrlSchema, 'as text');
/** The API that an upstream speaks. */
export const upstreamDialect: ValueKind<Dialect> = kindOf(dialectSchema, 'as text');
/** The name of an upstream, or none. */
export const upstreamName: ValueKind<string> = kindOf(upstreamNameSchema, 'as text');

/** Where the owner is told that a question waits; a token may be part of it. */
export const webhook: ValueKind<string> = kindOf(webhookSchema, 'as text');

/** What bitcoin is worth in dollars. */
export const rateSource: ValueKind<RateSource> = {
  ...kindOf(rateSchema, 'as JSON'),
  // Dollars are text, here as everywhere: a number of JSON would be calculated with.
  fromText: (text) =>
    kindOf(rateSchema, text.trimStart().startsWith('[') ? 'as JSON' : 'as text').fromText(text),
};
/** Satoshi that routing may cost. */
export const feeSat: ValueKind<number> = kindOf(feeSatSchema, 'as JSON');
/** Percent of an invoice that routing may cost. */
export const feePercent: ValueKind<number> = kindOf(feePercentSchema, 'as JSON');

/** URLs of catalogues in the owner's order, each once. */
export const catalogUrls: ValueKind<readonly string[]> = kindOf(catalogsSchema, 'as JSON');

/** Derived keys beyond this many are a mistake: each costs an owner a look. */
const INDEX_MAX = 100_000;
const INDEX_WORDS = `must be a whole number from 0 to ${INDEX_MAX}`;
const indexSchema = z.int(INDEX_WORDS).min(0, INDEX_WORDS).max(INDEX_MAX, INDEX_WORDS);

/** Which of the wallet's keys an agent has. */
export const keyIndex: ValueKind<number> = kindOf(indexSchema, 'as JSON');

/** Folders: {@link FOLDER_WORDS} or absolute paths, sorted, each once. */
export const folders: ValueKind<readonly string[]> = kindOf(foldersSchema, 'as JSON');

/** Whether a payment may go with a first request: never, or where the price is known to be fixed. */
const PAY_AHEAD = ['off', 'fixed'] as const;
export type PayAhead = (typeof PAY_AHEAD)[number];
const payAheadSchema = z.enum(PAY_AHEAD, 'must be off or fixed');
/** Where a payment goes with the first request. */
export const payAhead: ValueKind<PayAhead> = kindOf(payAheadSchema, 'as text');

/** Yes or no. */
export const flag: ValueKind<boolean> = kindOf(flagSchema, 'as JSON');

/** Reads the `<host>` of a key; throws `bad_input`. */
export function readHostName(key: string, name: string): string {
  const host = parseHost(name);
  if (host === undefined) throw new WalletError('bad_input', `The host in ${key} ${HOST_WORDS}.`);
  return host;
}

/** Reads the `<agent>` of a key; throws `bad_input`. */
export function readAgentName(key: string, name: string): string {
  if (AGENT_NAME.test(name)) return name;
  throw new WalletError(
    'bad_input',
    `The agent in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** A category is a word of the owner's, such as one that catalogues use. */
const CATEGORY_NAME = /^[a-z][a-z0-9_-]{0,31}$/;

/** Reads the `<category>` of a key; throws `bad_input`. */
export function readCategoryName(key: string, name: string): string {
  if (CATEGORY_NAME.test(name)) return name;
  throw new WalletError(
    'bad_input',
    `The category in ${key} must be 1 to 32 small letters, digits, hyphens and underscores, a letter first.`,
  );
}

/** How a budget of the owner's may be called: no underscore, which the id of a run has. */
const BUDGET_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const BUDGET_WORDS = 'must be none or the name of a budget, such as research';

/** Reads the `<budget>` of a key; throws `bad_input`. */
export function readBudgetName(key: string, name: string): string {
  if (BUDGET_NAME.test(name) && name !== 'none') return name;
  throw new WalletError(
    'bad_input',
    `The budget in ${key} must be 1 to 32 small letters, digits and hyphens, a letter first.`,
  );
}

/** The name of a budget. */
export const budgetName: ValueKind<string> = kindOf(
  z.string(BUDGET_WORDS).regex(BUDGET_NAME, BUDGET_WORDS),
  'as text',
);

/** A day of the calendar, in UTC. */
export const day: ValueKind<string> = kindOf(
  z.iso.date('must be none or a day, such as 2027-03-31'),
  'as text',
);

/** Reads the `<caip2>` of a key; throws `bad_input`. */
export function readNetworkName(key: string, name: string): Caip2 {
  const network = findNetwork(name);
  if (network === undefined) {
    throw new WalletError(
      'bad_input',
      `The network in ${key} is not one this wallet knows, such as eip155:8453.`,
    );
  }
  return network.caip2;
}

/** Reads the `<name>` of an upstream in a key; throws `bad_input`. */
export function readUpstreamName(key: string, name: string): string {
  // `none` says that there is no default; a scheme would be taken for the URL itself.
  if (UPSTREAM_NAME.test(name) && !['none', 'http', 'https'].includes(name)) return name;
  throw new WalletError(
    'bad_input',
    `The upstream in ${key} must be 1 to 32 small letters, digits, hyphens and underscores, a letter first.`,
  );
}

/** Models are called by their makers in letters, digits and a few signs; `*` stands for any part. */
const MODEL_PATTERN = /^[a-z0-9*@][a-z0-9*@._:/+-]{0,99}$/;

/** Reads the `<pattern>` of a key; throws `bad_input`. */
export function readModelPattern(key: string, name: string): string {
  const pattern = name.toLowerCase();
  if (MODEL_PATTERN.test(pattern)) return pattern;
  throw new WalletError('bad_input', `The pattern in ${key} must be the name of a model, such as gpt-*.`);
}
