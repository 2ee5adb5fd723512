import { WalletError } from '../errors/walletError.js';
import { ADMIN_SETTINGS } from './adminSettings.js';
import {
  MAINNETS,
  TESTNETS,
  ELICITATION_MAX,
  WAIT_SEC,
  CATALOGUES,
  TEST_CATALOGUES,
  FACILITATOR,
  TEST_FACILITATOR,
  CENT,
} from './defaults.js';
import {
  allowedDirection,
  boundDirection,
  forbiddenDirection,
  permittedDirection,
  preferredDirection,
  sentToDirection,
  trustedDirection,
} from './direction.js';
import { amount, LIMIT_SETTINGS } from './limitSettings.js';
import { NOTICE_SETTINGS } from './noticeSettings.js';
import { perName, single, type Setting } from './setting.js';
import { TEMPLATE_SETTINGS } from './templateSettings.js';
import { feePercent, feeSat, rateSource, type RateSource, waitSeconds } from './value/amount.js';
import { accounts } from './value/account.js';
import { flag, payAhead, type PayAhead, upstreamDialect } from './value/choice.js';
import {
  folders,
  hostPorts,
  hosts,
  networks,
  readNetworkName,
  readUpstreamName,
  upstreamName,
} from './value/name.js';
import { catalogUrls, proxy, rpcUrls, serviceUrl, upstreamUrl, webhook } from './value/url.js';
import { nearest } from '../text/nearest.js';

function hostList(
  key: string,
  kind: typeof hosts,
  compare: typeof allowedDirection,
  summary: string,
): Setting<readonly string[]> {
  return single({ key, kind, initial: () => [], compare, summary });
}

/**
 * Every key of the config, in the order people read it, by section and field of {@link Config}. A row here, or for an
 * amount that may be spent in {@link LIMIT_SETTINGS}, is all that a new key needs: the file, `config get|set|accept`,
 * help and README follow.
 */
export const SETTINGS = {
  ...LIMIT_SETTINGS,
  ...TEMPLATE_SETTINGS,
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
  ...NOTICE_SETTINGS,
  ...ADMIN_SETTINGS,
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
      kind: serviceUrl,
      initial: (testnet) => (testnet ? TEST_FACILITATOR : FACILITATOR),
      none: 'none',
      // A facilitator can only move this money to the owner's own address, but it learns of it: the owner decides.
      compare: (before, after) => (before === after ? 'same' : 'loosens'),
      summary:
        'The x402 facilitator that settles withdrawals, so that they need no gas. none: your address pays the gas.',
    }),
  },
  payouts: {
    addresses: single({
      key: 'payouts.addresses',
      kind: accounts,
      initial: () => [],
      // Where money may leave to for good: the owner's word whichever way it changes.
      compare: (before, after) => (before.join() === after.join() ? 'same' : 'loosens'),
      summary:
        'The only addresses that withdrawals may go to, as a JSON list, each with its network, such as ["eip155:8453:0x…"]. An empty list allows any. Your own agents’ addresses need no entry.',
    }),
  },
  allowances: {
    permitUsdMicros: amount(
      'allowances.permit_usd',
      100n * CENT,
      'The most that one payment through Permit2 may allow it by a permit beside it, which allows just that payment. 0: only what you allowed yourself.',
    ),
  },
  payAhead: {
    mode: single<PayAhead>({
      key: 'pay_ahead',
      kind: payAhead,
      initial: () => 'fixed',
      // Less is asked before money leaves: the owner's word. Every limit applies either way.
      compare: (before, after) => (before === after ? 'same' : after === 'off' ? 'tightens' : 'loosens'),
      summary:
        'Whether a payment may go with the first request, where a catalogue lists a fixed price and five differing calls in the last day were asked just that (fixed), or never (off). It saves a round trip.',
    }),
  },
  telemetry: {
    otlpUrl: single({
      key: 'telemetry.otlp_url',
      kind: serviceUrl,
      initial: () => 'none',
      none: 'none',
      // Whoever is there learns what agents buy, and only the owner sees by it: their word whichever way it changes.
      compare: (before, after) => (before === after ? 'same' : 'loosens'),
      summary:
        'Your OpenTelemetry collector, such as http://127.0.0.1:4318: serve, proxy and run send it traces and metrics by OTLP over HTTP. Read when they start. Variables of the environment turn nothing on.',
    }),
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

/** What is looked for among the settings, and must not stand there (T49). */
const QUORUM = 'owners.quorum';

/** Finds what a full key such as `limits.hosts.api.example.com.per_day_usd` sets. Throws `bad_input`. */
export function findKey(text: string): FoundKey {
  for (const row of SETTING_ROWS) {
    const name = row.setting.nameIn(text);
    if (name !== undefined) return { row, name, key: row.setting.pathOf(name).join('.') };
  }
  if (text === QUORUM)
    throw new WalletError(
      'bad_input',
      `${QUORUM} stands in the keystore, out of the reach of who can write the config.`,
      {
        owner: { say: 'Set how many owners a loosening needs.', action: { kind: 'setQuorum', owners: 2 } },
      },
    );
  // T27: what somebody wrote into a file must not steer the terminal that shows it.
  const shown = text.replace(/\p{C}/gu, '?').slice(0, KEY_SHOWN_MAX);
  const meant = nearest(
    text,
    SETTING_ROWS.map(({ setting }) => setting.key),
  );
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new WalletError('bad_input', `${shown} is not a setting.${hint}`);
}
