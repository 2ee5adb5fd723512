import { WalletError } from '../errors/walletError.js';
import {
  MAINNETS,
  TESTNETS,
  ELICITATION_MAX,
  WAIT_SEC,
  CATALOGUES,
  TEST_CATALOGUES,
  FACILITATOR,
  TEST_FACILITATOR,
  PER_CALL,
  PER_SESSION,
  PER_DAY,
  PER_MONTH,
  CENT,
} from './defaults.js';
import {
  allowedDirection,
  boundDirection,
  boundsDirection,
  categoryDirection,
  fixedDirection,
  forbiddenDirection,
  overridesDirection,
  permittedDirection,
  preferredDirection,
  sentToDirection,
  trustedDirection,
} from './direction.js';
import { perName, single, type Setting } from './setting.js';
import {
  callCount,
  catalogUrls,
  facilitator,
  feePercent,
  feeSat,
  flag,
  folders,
  hostPorts,
  hosts,
  networks,
  proxy,
  keyIndex,
  rateSource,
  type RateSource,
  readAgentName,
  readCategoryName,
  readHostName,
  readModelPattern,
  readNetworkName,
  readUpstreamName,
  rpcUrls,
  upstreamDialect,
  upstreamName,
  upstreamUrl,
  usd,
  waitSeconds,
  webhook,
} from './value.js';
import type { UsdMicros } from '../money/unit.js';
import { nearest } from '../text/nearest.js';

/** A ceiling starts at ten times its cap: room for an approval, none for a mistake of an order of magnitude. */
const CEILING_FACTOR = 10n;

function amount(key: string, usdMicros: UsdMicros, summary: string): Setting<UsdMicros> {
  return single({ key, kind: usd, initial: () => usdMicros, compare: boundDirection, summary });
}

function hostAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readHostName, kind: usd, compare: boundsDirection, summary });
}

function categoryAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readCategoryName, kind: usd, compare: boundsDirection, summary });
}

function agentAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readAgentName, kind: usd, compare: boundsDirection, summary });
}

function hostList(
  key: string,
  kind: typeof hosts,
  compare: typeof allowedDirection,
  summary: string,
): Setting<readonly string[]> {
  return single({ key, kind, initial: () => [], compare, summary });
}

/**
 * Every key of the config, in the order people read it, by section and field of {@link Config}. A row here is all
 * that a new key needs: the file, `config get|set|accept`, help and README follow.
 */
export const SETTINGS = {
  limits: {
    perCallUsdMicros: amount(
      'limits.per_call_usd',
      PER_CALL,
      'The most one call may cost without asking you.',
    ),
    perSessionUsdMicros: amount(
      'limits.per_session_usd',
      PER_SESSION,
      'The most an agent may spend in one session without asking you. A session ends after 30 idle minutes.',
    ),
    perDayUsdMicros: amount(
      'limits.per_day_usd',
      PER_DAY,
      'The most the wallet may spend in any 24 hours without asking you.',
    ),
    perMonthUsdMicros: amount(
      'limits.per_month_usd',
      PER_MONTH,
      'The most the wallet may spend in any 30 days without asking you.',
    ),
    callsPerMinute: single({
      key: 'limits.calls_per_minute',
      kind: callCount,
      initial: () => 30,
      compare: boundDirection,
      summary: 'Payments that may start in any 60 seconds.',
    }),
    askFloorUsdMicros: amount(
      'limits.ask_floor_usd',
      5n * CENT,
      'Up to this price, a price that has risen is not asked about.',
    ),
    hostPerDayUsdMicros: hostAmount(
      'limits.hosts.<host>.per_day_usd',
      'The most the wallet may spend at this host (or host:port) in any 24 hours without asking you. Set to none to remove this limit.',
    ),
    modelPerCallUsdMicros: perName({
      key: 'limits.models.<pattern>.per_call_usd',
      readName: readModelPattern,
      kind: usd,
      compare: boundsDirection,
      summary:
        'The most one call may cost without asking you whose body names a model like this, such as gpt-* or claude-opus-4.5. Set to none to remove this limit.',
    }),
    categoryPerSessionUsdMicros: categoryAmount(
      'limits.categories.<category>.per_session_usd',
      'The most an agent may spend in this category in one session without asking you. Set to none to remove this limit.',
    ),
    categoryPerDayUsdMicros: categoryAmount(
      'limits.categories.<category>.per_day_usd',
      'The most the wallet may spend in this category in any 24 hours without asking you. Set to none to remove this limit.',
    ),
    categoryPerMonthUsdMicros: categoryAmount(
      'limits.categories.<category>.per_month_usd',
      'The most the wallet may spend in this category in any 30 days without asking you. Set to none to remove this limit.',
    ),
  },
  ceilings: {
    perCallUsdMicros: amount(
      'ceilings.per_call_usd',
      CEILING_FACTOR * PER_CALL,
      'The most one call may cost, even with your approval.',
    ),
    perSessionUsdMicros: amount(
      'ceilings.per_session_usd',
      CEILING_FACTOR * PER_SESSION,
      'The most an agent may spend in one session, even with your approval.',
    ),
    perDayUsdMicros: amount(
      'ceilings.per_day_usd',
      CEILING_FACTOR * PER_DAY,
      'The most the wallet may spend in any 24 hours, even with your approval.',
    ),
    perMonthUsdMicros: amount(
      'ceilings.per_month_usd',
      CEILING_FACTOR * PER_MONTH,
      'The most the wallet may spend in any 30 days, even with your approval.',
    ),
    hostPerDayUsdMicros: hostAmount(
      'ceilings.hosts.<host>.per_day_usd',
      'The most the wallet may spend at this host (or host:port) in any 24 hours, even with your approval. Set to none to remove this limit.',
    ),
    categoryPerSessionUsdMicros: categoryAmount(
      'ceilings.categories.<category>.per_session_usd',
      'The most an agent may spend in this category in one session, even with your approval. Set to none to remove this limit.',
    ),
    categoryPerDayUsdMicros: categoryAmount(
      'ceilings.categories.<category>.per_day_usd',
      'The most the wallet may spend in this category in any 24 hours, even with your approval. Set to none to remove this limit.',
    ),
    categoryPerMonthUsdMicros: categoryAmount(
      'ceilings.categories.<category>.per_month_usd',
      'The most the wallet may spend in this category in any 30 days, even with your approval. Set to none to remove this limit.',
    ),
  },
  agents: {
    index: perName({
      key: 'agents.<agent>.index',
      readName: readAgentName,
      kind: keyIndex,
      compare: fixedDirection,
      fixed: 'An agent is given its keys when it is added, and they are never changed.',
      summary: "Index of the agent's keys. Given when the agent is added; never reused.",
    }),
    perCallUsdMicros: agentAmount(
      'agents.<agent>.limits.per_call_usd',
      'The most one call of this agent may cost without asking you. none: limits.per_call_usd applies.',
    ),
    perSessionUsdMicros: agentAmount(
      'agents.<agent>.limits.per_session_usd',
      'The most this agent may spend in one session without asking you. none: limits.per_session_usd applies.',
    ),
    perDayUsdMicros: agentAmount(
      'agents.<agent>.limits.per_day_usd',
      'The most this agent may spend in any 24 hours without asking you. none: limits.per_day_usd applies.',
    ),
    perMonthUsdMicros: agentAmount(
      'agents.<agent>.limits.per_month_usd',
      'The most this agent may spend in any 30 days without asking you. none: limits.per_month_usd applies.',
    ),
    callsPerMinute: perName({
      key: 'agents.<agent>.limits.calls_per_minute',
      readName: readAgentName,
      kind: callCount,
      compare: boundsDirection,
      summary:
        'Payments of this agent that may start in any 60 seconds. none: limits.calls_per_minute applies.',
    }),
    ceilingPerCallUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_call_usd',
      'The most one call of this agent may cost, even with your approval. none: ceilings.per_call_usd applies.',
    ),
    ceilingPerSessionUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_session_usd',
      'The most this agent may spend in one session, even with your approval. none: ceilings.per_session_usd applies.',
    ),
    ceilingPerDayUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_day_usd',
      'The most this agent may spend in any 24 hours, even with your approval. none: ceilings.per_day_usd applies.',
    ),
    ceilingPerMonthUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_month_usd',
      'The most this agent may spend in any 30 days, even with your approval. none: ceilings.per_month_usd applies.',
    ),
    elicitationMaxUsdMicros: perName({
      key: 'agents.<agent>.elicitation_max_usd',
      readName: readAgentName,
      kind: usd,
      compare: overridesDirection,
      summary:
        'The most that answers in this agent’s own client may approve in any 24 hours, served over HTTP too, where none counts without it; none leaves it to approvals.elicitation_max_usd.',
    }),
  },
  categories: {
    hosts: perName({
      key: 'categories.<category>.hosts',
      readName: readCategoryName,
      kind: hosts,
      compare: categoryDirection,
      summary:
        'Hosts in a category of yours, as a JSON list of host or host:port. A host:port entry wins over its host. none removes the category.',
    }),
  },
  approvals: {
    elicitationMaxUsdMicros: amount(
      'approvals.elicitation_max_usd',
      ELICITATION_MAX,
      'The most that answers in an agent’s own client may approve in any 24 hours, where that client starts the wallet itself; beyond it a factor is needed.',
    ),
    waitSec: single({
      key: 'approvals.wait_s',
      kind: waitSeconds,
      initial: () => WAIT_SEC,
      compare: boundDirection,
      summary:
        'Seconds a call waits for your approval before it returns approval_required. 0 returns at once.',
    }),
    webhookUrl: single({
      key: 'approvals.webhook_url',
      kind: webhook,
      initial: () => 'none',
      none: 'none',
      // Only the owner is notified there, so only the owner may turn it off.
      compare: (before, after) => (before === after ? 'same' : 'loosens'),
      summary: 'URL that receives a POST with one line of JSON when an approval waits. none turns it off.',
    }),
  },
  hosts: {
    allow: hostList(
      'hosts.allow',
      hosts,
      allowedDirection,
      'The only hosts an agent may call, as a JSON list of host or host:port; an empty list allows every host.',
    ),
    deny: hostList(
      'hosts.deny',
      hosts,
      forbiddenDirection,
      'Hosts an agent may never call, as a JSON list of host or host:port; it beats hosts.allow.',
    ),
  },
  net: {
    allowPrivate: hostList(
      'net.allow_private',
      hostPorts,
      permittedDirection,
      'Private or local addresses that may be called, plain http included, as a JSON list of exact host:port.',
    ),
    proxy: single({
      key: 'net.proxy',
      kind: proxy,
      initial: () => 'none',
      none: 'none',
      // Behind a proxy the checks of addresses are the proxy's own (T10): any other one is the owner's word.
      compare: (before, after) => (before === after ? 'same' : 'loosens'),
      summary:
        'Proxy for outgoing calls: none, env (HTTPS_PROXY and NO_PROXY), or an http(s) URL. Behind a proxy, the proxy decides which addresses are reachable.',
    }),
  },
  files: {
    sendFrom: single({
      key: 'files.send_from',
      kind: folders,
      initial: () => ['home', 'temp', 'working'],
      compare: permittedDirection,
      summary:
        'Folders whose files an agent on this machine may send in a call, as a JSON list: home (yours), working (where the client starts Purser), temp, or absolute paths. Never sent are files of a wallet and, below these folders, whatever is hidden. [] turns it off.',
    }),
  },
  networks: {
    enabled: single({
      key: 'networks.enabled',
      kind: networks,
      initial: (testnet) => (testnet ? TESTNETS : MAINNETS),
      compare: preferredDirection,
      summary:
        'Networks the wallet may pay on, as a JSON list of CAIP-2 names. At equal price the first wins.',
    }),
    rpcUrls: perName({
      key: 'networks.<caip2>.rpc_url',
      readName: readNetworkName,
      kind: rpcUrls,
      compare: trustedDirection,
      summary:
        'Your own RPC for a network, or a JSON list tried in order. Each is trusted alone. none returns to the public RPCs.',
    }),
  },
  lightning: {
    maxFeeSat: single({
      key: 'lightning.max_fee_sat',
      kind: feeSat,
      initial: () => 10,
      compare: boundDirection,
      summary:
        'Satoshi that routing one Lightning payment may cost, or lightning.max_fee_percent where that is more. They are held with the price.',
    }),
    maxFeePercent: single({
      key: 'lightning.max_fee_percent',
      kind: feePercent,
      initial: () => 1,
      compare: boundDirection,
      summary:
        'Percent of the invoice that routing a Lightning payment may cost, or lightning.max_fee_sat where that is more.',
    }),
  },
  rates: {
    source: single<RateSource>({
      key: 'rates.source',
      kind: rateSource,
      initial: () => ({ kind: 'none' }),
      none: { kind: 'none' },
      // Every cap in dollars rests on it for what is paid in bitcoin.
      compare: (before, after) =>
        JSON.stringify(rateSource.print(before)) === JSON.stringify(rateSource.print(after))
          ? 'same'
          : after.kind === 'none'
            ? 'tightens'
            : 'loosens',
      summary:
        'Dollars for one bitcoin: a number that you set, or a JSON list of at least two https URLs, each with a JSON pointer to its price behind #; two must agree, and the dearer counts. none: nothing is paid by Lightning.',
    }),
  },
  withdrawals: {
    facilitatorUrl: single({
      key: 'withdrawals.facilitator_url',
      kind: facilitator,
      initial: (testnet) => (testnet ? TEST_FACILITATOR : FACILITATOR),
      none: 'none',
      // A facilitator can only move this money to the owner's own address, but it learns of it: the owner decides.
      compare: (before, after) => (before === after ? 'same' : 'loosens'),
      summary:
        'The x402 facilitator that settles withdrawals, so that they need no gas. none: your address pays the gas.',
    }),
  },
  allowances: {
    permitUsdMicros: amount(
      'allowances.permit_usd',
      100n * CENT,
      'The most that one payment through Permit2 may allow it by a permit beside it, which allows just that payment. 0: only what you allowed yourself.',
    ),
  },
  discovery: {
    sources: single({
      key: 'discovery.sources',
      kind: catalogUrls,
      initial: (testnet) => (testnet ? TEST_CATALOGUES : CATALOGUES),
      // A listing is a hint (T17): no limit depends on who lists what, so nobody needs to be asked.
      compare: () => 'same',
      summary: 'Catalogues that are fetched, and that wallet_discover searches, as a JSON list of URLs.',
    }),
    remoteSearch: single({
      key: 'discovery.remote_search',
      kind: flag,
      initial: () => false,
      // A catalogue that is asked learns what the agent is looking for.
      compare: (before, after) => (before === after ? 'same' : after ? 'loosens' : 'tightens'),
      summary:
        'Whether wallet_discover also uses the catalogues’ own search, which tells them what you search for.',
    }),
  },
  proxy: {
    upstreamUrls: perName({
      key: 'proxy.upstreams.<name>.base_url',
      readName: readUpstreamName,
      kind: upstreamUrl,
      // What programs ask is sent there, and paid for: the owner says where.
      compare: sentToDirection,
      summary:
        'Base URL of an API that the proxy and runs hand requests to under this name, with or without its /v1. none removes it.',
    }),
    upstreamDialects: perName({
      key: 'proxy.upstreams.<name>.dialect',
      readName: readUpstreamName,
      kind: upstreamDialect,
      // By it a program's requests find their upstream.
      compare: sentToDirection,
      summary: 'The API that it speaks: openai (the default), anthropic or plain.',
    }),
    defaultUpstream: single({
      key: 'proxy.default_upstream',
      kind: upstreamName,
      initial: () => 'none',
      none: 'none',
      compare: (before, after) => (before === after ? 'same' : after === 'none' ? 'tightens' : 'loosens'),
      summary: 'The upstream that OPENAI_BASE_URL and its kin point to in the programs of runs.',
    }),
  },
} as const;

type Section<Rows> = {
  readonly [Field in keyof Rows]: Rows[Field] extends Setting<infer Value> ? Value : never;
};

/** The values of all settings, parsed: dollars are micro-dollars, hosts and networks are in their one spelling. */
export type Settings = { readonly [Name in keyof typeof SETTINGS]: Section<(typeof SETTINGS)[Name]> };

/** One wallet's config. */
export interface Config extends Settings {
  /** One more at each change; the ledger refuses to go back behind the newest it has seen. */
  readonly version: number;
  readonly walletId: string;
  readonly keystore: 'keychain' | 'file';
  /** Whether the wallet holds test money; fixed when it is made. */
  readonly testnet: boolean;
  /** Caps that a client lowered for its own process, each under its key with the variable that did; in no file. */
  readonly lowered?: ReadonlyMap<string, string>;
}

/** A setting together with the place of its value in a {@link Config}. */
export interface SettingRow {
  readonly setting: Setting<unknown>;
  get(config: Settings): unknown;
  set<Whole extends Settings>(config: Whole, value: unknown): Whole;
}

/** All settings in the table's order. */
export const SETTING_ROWS: readonly SettingRow[] = Object.entries(SETTINGS).flatMap(([section, fields]) =>
  Object.entries(fields).map(([field, setting]) => {
    // The table's shape is the config's, so a field of one is a field of the other.
    const sectionOf = (config: Settings) =>
      config[section as keyof Settings] as Record<string, unknown> | undefined;
    return {
      setting: setting as Setting<unknown>,
      get: (config: Settings) => sectionOf(config)?.[field],
      set: <Whole extends Settings>(config: Whole, value: unknown): Whole => ({
        ...config,
        [section]: { ...sectionOf(config), [field]: value },
      }),
    };
  }),
);

/** The settings that a new wallet starts with. */
export function initialSettings(testnet: boolean): Settings {
  return SETTING_ROWS.reduce(
    (settings, row) => row.set(settings, row.setting.initial(testnet)),
    {} as Settings,
  );
}

/** Enough of a key to recognise it. */
const KEY_SHOWN_MAX = 120;

/** One key of the config: its row, and its name where the row has several. */
export interface FoundKey {
  readonly row: SettingRow;
  readonly name: string;
  /** The key as the config spells it. */
  readonly key: string;
}

/** Finds what a full key such as `limits.hosts.api.example.com.per_day_usd` sets. Throws `bad_input`. */
export function findKey(text: string): FoundKey {
  for (const row of SETTING_ROWS) {
    const name = row.setting.nameIn(text);
    if (name !== undefined) return { row, name, key: row.setting.pathOf(name).join('.') };
  }
  // T27: what somebody wrote into a file must not steer the terminal that shows it.
  const shown = text.replace(/\p{C}/gu, '?').slice(0, KEY_SHOWN_MAX);
  const meant = nearest(
    text,
    SETTING_ROWS.map(({ setting }) => setting.key),
  );
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new WalletError('bad_input', `${shown} is not a setting.${hint}`);
}
