import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WalletError } from '../errors/walletError.js';
import { changesBetween, describeKeys, getKey, listKeys, setKey, withEntry } from './change.js';
import { together } from './direction.js';
import { initialSettings, SETTING_ROWS, SETTINGS, type Config } from './settings.js';

function initial(testnet = false): Config {
  return { version: 1, walletId: 'w1', keystore: 'file', testnet, ...initialSettings(testnet) };
}

/** Sets several keys in turn. */
function configWith(values: Readonly<Record<string, string>>, from = initial()): Config {
  return Object.entries(values).reduce((config, [key, value]) => setKey(config, key, value).config, from);
}

function refusal(act: () => unknown): WalletError {
  try {
    act();
  } catch (error) {
    return error as WalletError;
  }
  throw new Error('nothing was refused');
}

test('a new wallet starts with what a careful person would choose', () => {
  expect(Object.fromEntries(listKeys(initial()).map(({ key, value }) => [key, value]))).toEqual({
    'admin.on': 'false',
    'admin.oidc.issuer': 'none',
    'admin.oidc.audience': 'none',
    'admin.oidc.roles': '[]',
    'limits.per_call_usd': '0.50',
    'limits.per_session_usd': '2.00',
    'limits.per_day_usd': '5.00',
    'limits.per_month_usd': '50.00',
    'limits.calls_per_minute': '30',
    'limits.deposit_usd': '0.00',
    'limits.commitment_usd': '0.00',
    'limits.ask_floor_usd': '0.05',
    'ceilings.per_call_usd': '5.00',
    'ceilings.per_session_usd': '20.00',
    'ceilings.per_day_usd': '50.00',
    'ceilings.per_month_usd': '500.00',
    'approvals.elicitation_max_usd': '2.00',
    'approvals.wait_s': '45',
    'approvals.webhook_url': 'none',
    'owner_page.url': 'none',
    'notices.money_low_usd': '1.00',
    'notices.quiet_hours': 'none',
    'hosts.allow': '[]',
    'hosts.deny': '[]',
    'net.allow_private': '[]',
    'net.proxy': 'none',
    'files.send_from': '["home","temp","working"]',
    'networks.enabled': '["eip155:8453","solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp","eip155:4217"]',
    'lightning.max_fee_sat': '10',
    'lightning.max_fee_percent': '1',
    'rates.source': 'none',
    'withdrawals.facilitator_url': 'https://facilitator.payai.network',
    'payouts.addresses': '[]',
    'allowances.permit_usd': '1.00',
    pay_ahead: 'fixed',
    'telemetry.otlp_url': 'none',
    'discovery.sources': expect.stringMatching(/^\["https:\/\/api\.cdp\.coinbase\.com\//),
    'discovery.remote_search': 'false',
    'proxy.default_upstream': 'none',
  });
  expect(getKey(initial(true), 'networks.enabled')).toBe(
    '["eip155:84532","solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1","eip155:42431"]',
  );
});

/** Bounds of the owner's categories and of agents: none to begin with. */
const NAMED = [
  ...['limits', 'ceilings'].flatMap((section) =>
    ['session', 'day', 'month'].map((span) => `${section}.categories.<category>.per_${span}_usd`),
  ),
  ...['call', 'session', 'day', 'month'].map((span) => `agents.<agent>.limits.per_${span}_usd`),
  'agents.<agent>.limits.calls_per_minute',
  ...['call', 'session', 'day', 'month'].map((span) => `agents.<agent>.ceilings.per_${span}_usd`),
  'agents.<agent>.elicitation_max_usd',
];
/** Refills of agents: none to begin with. */
const REFILL_KEYS = ['below_usd', 'to_usd', 'per_day_usd', 'from'].map(
  (end) => `agents.<agent>.refill.${end}`,
);
/** Budgets of the owner's: none to begin with. */
const BUDGET_KEYS = ['per_day_usd', 'per_month_usd', 'total_usd', 'until', 'parent'].map(
  (end) => `budgets.<budget>.${end}`,
);
/** What is said of a channel: none to begin with. */
const CHANNEL: Readonly<Record<string, string>> = {
  kind: 'email',
  url: 'smtps://mail.example',
  to: 'me@example.com',
  from: 'purser@example.com',
  user: 'me',
  tells: '["approval","lost"]',
  escalate_min: '10',
  digest_min: '60',
};
/** What Purser alone writes. */
const FIXED = ['agents.<agent>.index'];

/** A template with every kind of entry, as the config spells it. */
const CRAWLER = JSON.stringify([
  ...['for=7d', 'agents=20', 'budget=research', 'limits.calls_per_minute=5', 'limits.per_day_usd=1.50'],
]);

test('every row of the table says what it does and comes back from its own text', () => {
  const config = configWith({
    'limits.hosts.api.example.com.per_day_usd': '1',
    'ceilings.hosts.127.0.0.1:4021.per_day_usd': '2',
    'networks.eip155:8453.rpc_url': 'https://rpc.example/key',
    'hosts.allow': '["b.example","a.example:8443"]',
    'net.allow_private': '["127.0.0.1:4021"]',
    'net.proxy': 'http://proxy.example:8080',
    'categories.search.hosts': '["a.example"]',
    'proxy.upstreams.gateway.base_url': 'https://gateway.example/v1',
    'proxy.upstreams.gateway.dialect': 'openai',
    'limits.models.gpt-*.per_call_usd': '0.05',
    ...Object.fromEntries(
      NAMED.map((key) => [key.replace('<category>', 'search').replace('<agent>', 'researcher'), '0']),
    ),
    'budgets.company.total_usd': '5',
    'budgets.research.per_day_usd': '1',
    'budgets.research.per_month_usd': '2',
    'budgets.research.until': '2027-03-31',
    'budgets.research.parent': 'company',
    'agents.researcher.budget': 'research',
    'agents.researcher.refill.below_usd': '1',
    'agents.researcher.refill.to_usd': '5',
    'agents.researcher.refill.per_day_usd': '10',
    'agents.researcher.refill.from': 'default',
    ...Object.fromEntries(
      Object.entries(CHANNEL).map(([end, value]) => [`notices.channels.mail.${end}`, value]),
    ),
    'admin.clients.ops.access': JSON.stringify(['viewer', '2027-03-31', 'a'.repeat(64)]),
    'templates.crawler.terms': CRAWLER,
  });
  const listed = listKeys(config);
  expect(new Set(SETTING_ROWS.map(({ setting }) => setting.key)).size).toBe(SETTING_ROWS.length);
  expect(SETTING_ROWS.filter(({ setting }) => !/^[A-Z].*\.$/.test(setting.summary))).toEqual([]);
  expect(listed.length).toBe(SETTING_ROWS.length - FIXED.length);
  for (const { key, value } of listed) {
    expect(getKey(config, key)).toBe(value);
    expect(setKey(config, key, value)).toEqual({ config, direction: 'same', before: value, after: value });
  }
});

test('help knows every key, those without a first value too', () => {
  const described = describeKeys();
  expect(described).toHaveLength(SETTING_ROWS.length);
  expect(described[0]).toEqual({
    key: 'limits.per_call_usd',
    initial: '0.50',
    doc: 'The most one call may cost without asking you.',
  });
  expect(described.filter(({ initial }) => initial === 'none').map(({ key }) => key)).toEqual([
    'limits.hosts.<host>.per_day_usd',
    'limits.models.<pattern>.per_call_usd',
    ...NAMED.filter((key) => key.startsWith('limits.')),
    'ceilings.hosts.<host>.per_day_usd',
    ...NAMED.filter((key) => key.startsWith('ceilings.')),
    ...FIXED,
    ...NAMED.filter((key) => key.startsWith('agents.') && !key.endsWith('elicitation_max_usd')),
    'agents.<agent>.budget',
    ...REFILL_KEYS,
    'agents.<agent>.elicitation_max_usd',
    ...BUDGET_KEYS,
    'categories.<category>.hosts',
    'templates.<template>.terms',
    'approvals.webhook_url',
    'owner_page.url',
    'notices.quiet_hours',
    ...Object.keys(CHANNEL).map((end) => `notices.channels.<channel>.${end}`),
    'admin.oidc.issuer',
    'admin.oidc.audience',
    'admin.clients.<client>.access',
    'net.proxy',
    'networks.<caip2>.rpc_url',
    'rates.source',
    'telemetry.otlp_url',
    'proxy.upstreams.<name>.base_url',
    'proxy.upstreams.<name>.dialect',
    'proxy.default_upstream',
  ]);
});

describe('setKey', () => {
  test.each([
    ['limits.per_call_usd', '0.25', '0.25', 'tightens'],
    ['limits.per_call_usd', '0.5', '0.50', 'same'],
    ['limits.per_call_usd', '0.500001', '0.500001', 'loosens'],
    ['limits.per_session_usd', '0', '0.00', 'tightens'],
    ['limits.deposit_usd', '1', '1.00', 'loosens'],
    ['limits.commitment_usd', '1', '1.00', 'loosens'],
    ['limits.ask_floor_usd', '0.06', '0.06', 'loosens'],
    ['limits.ask_floor_usd', '0.04', '0.04', 'tightens'],
    ['limits.calls_per_minute', '31', '31', 'loosens'],
    ['limits.calls_per_minute', '0', '0', 'tightens'],
    ['ceilings.per_day_usd', '5', '5.00', 'tightens'],
    ['ceilings.per_day_usd', '50.01', '50.01', 'loosens'],
    ['limits.hosts.new.example.per_day_usd', '1000', '1000.00', 'tightens'],
    ['limits.hosts.API.example.per_day_usd', '2', '2.00', 'loosens'],
    ['limits.hosts.api.example.per_day_usd', '0.5', '0.50', 'tightens'],
    ['limits.hosts.api.example.per_day_usd', 'none', 'none', 'loosens'],
    ['limits.hosts.other.example.per_day_usd', 'none', 'none', 'same'],
    ['ceilings.hosts.api.example.per_day_usd', 'none', 'none', 'loosens'],
    ['agents.bob.refill.per_day_usd', '6', '6.00', 'loosens'],
    ['agents.bob.refill.per_day_usd', '4', '4.00', 'tightens'],
    ['agents.bob.refill.per_day_usd', 'none', 'none', 'tightens'],
    ['agents.eve.refill.per_day_usd', '1', '1.00', 'loosens'],
    ['agents.bob.refill.from', 'default', 'default', 'loosens'],
    ['agents.bob.elicitation_max_usd', '1', '1.00', 'tightens'],
    ['agents.bob.elicitation_max_usd', '3', '3.00', 'loosens'],
    ['agents.bob.elicitation_max_usd', 'none', 'none', 'loosens'],
    ['agents.eve.elicitation_max_usd', '0.01', '0.01', 'loosens'],
    ['agents.eve.elicitation_max_usd', '0', '0.00', 'tightens'],
    ['hosts.allow', '["a.example"]', '["a.example"]', 'tightens'],
    ['hosts.allow', '["B.example","a.example","a.example"]', '["a.example","b.example"]', 'same'],
    ['hosts.allow', '["a.example","c.example"]', '["a.example","c.example"]', 'loosens'],
    ['hosts.allow', '[]', '[]', 'loosens'],
    ['hosts.deny', '["evil.example","worse.example"]', '["evil.example","worse.example"]', 'tightens'],
    ['hosts.deny', '["worse.example"]', '["worse.example"]', 'loosens'],
    ['hosts.deny', '[]', '[]', 'loosens'],
    ['net.allow_private', '[]', '[]', 'tightens'],
    ['net.allow_private', '["127.0.0.1:1","127.0.0.1:2"]', '["127.0.0.1:1","127.0.0.1:2"]', 'loosens'],
    ['net.proxy', 'env', 'env', 'loosens'],
    ['net.proxy', 'none', 'none', 'same'],
    ['networks.enabled', '["eip155:8453"]', '["eip155:8453"]', 'tightens'],
    ['networks.enabled', '["eip155:137","eip155:8453"]', '["eip155:137","eip155:8453"]', 'loosens'],
    [
      'networks.enabled',
      '["eip155:8453","eip155:137","eip155:1"]',
      '["eip155:8453","eip155:137","eip155:1"]',
      'loosens',
    ],
    ['networks.eip155:8453.rpc_url', 'https://other.example/', 'https://other.example/', 'loosens'],
    ['networks.eip155:8453.rpc_url', 'none', 'none', 'loosens'],
    [
      'networks.eip155:8453.rpc_url',
      '["https://rpc.example/","https://other.example/","https://rpc.example/"]',
      '["https://rpc.example/","https://other.example/"]',
      'loosens',
    ],
    ['networks.eip155:8453.rpc_url', '["https://rpc.example/"]', 'https://rpc.example/', 'same'],
    ['withdrawals.facilitator_url', 'https://other.example', 'https://other.example', 'loosens'],
    ['withdrawals.facilitator_url', 'none', 'none', 'loosens'],
    ['telemetry.otlp_url', 'http://127.0.0.1:4318', 'http://127.0.0.1:4318', 'loosens'],
    [
      'payouts.addresses',
      `["eip155:8453:0x${'ab'.repeat(20)}"]`,
      `["eip155:8453:0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"]`,
      'loosens',
    ],
    ['allowances.permit_usd', '0', '0.00', 'tightens'],
    ['allowances.permit_usd', '1.01', '1.01', 'loosens'],
    ['pay_ahead', 'off', 'off', 'tightens'],
    ['networks.eip155:137.rpc_url', 'http://127.0.0.1:8545', 'http://127.0.0.1:8545', 'loosens'],
    ['proxy.upstreams.gate.base_url', 'https://other.example', 'https://other.example', 'loosens'],
    ['proxy.upstreams.gate.base_url', 'none', 'none', 'tightens'],
    ['limits.models.GPT-*.per_call_usd', '0.05', '0.05', 'tightens'],
    ['proxy.upstreams.new.base_url', 'https://new.example', 'https://new.example', 'loosens'],
    ['proxy.upstreams.gate.dialect', 'anthropic', 'anthropic', 'loosens'],
    ['proxy.default_upstream', 'gate', 'gate', 'loosens'],
  ])('%s %s gives %s and %s', (key, text, after, direction) => {
    const config = configWith({
      'limits.hosts.api.example.per_day_usd': '1',
      'ceilings.hosts.api.example.per_day_usd': '10',
      'agents.bob.elicitation_max_usd': '2',
      'agents.bob.refill.per_day_usd': '5',
      'hosts.allow': '["a.example","b.example"]',
      'hosts.deny': '["evil.example"]',
      'net.allow_private': '["127.0.0.1:1"]',
      'proxy.upstreams.gate.base_url': 'https://gate.example',
      'networks.enabled': '["eip155:8453","eip155:137"]',
      'networks.eip155:8453.rpc_url': 'https://rpc.example/',
    });
    const set = setKey(config, key, text);
    expect({ after: set.after, direction: set.direction }).toEqual({ after, direction });
    expect(getKey(set.config, key)).toBe(after);
    expect(set.config.version).toBe(config.version);
  });

  test('the first host allowed tightens: before it, every host was', () => {
    expect(setKey(initial(), 'hosts.allow', '["a.example"]').direction).toBe('tightens');
  });

  test.each([
    ['limits', '1', 'limits is not a setting'],
    ['limits.per_call', '1', 'limits.per_call is not a setting'],
    ['version', '9', 'version is not a setting'],
    ['testnet', 'true', 'testnet is not a setting'],
    ['approvals.wait', '1', 'is not a setting'],
    ['limits.hosts..per_day_usd', '1', 'limits.hosts..per_day_usd is not a setting'],
    ['limits.hosts.*.example.per_day_usd', '1', 'The host in limits.hosts.*.example.per_day_usd must be'],
    [
      'networks.eip155:999.rpc_url',
      'https://x.example',
      'The network in networks.eip155:999.rpc_url is not one',
    ],
    ['limits.per_call_usd', '-1', 'limits.per_call_usd must be dollars'],
    ['limits.per_call_usd', '1e3', 'must be dollars'],
    ['limits.per_call_usd', '0.0000001', 'at most six decimals'],
    ['limits.per_call_usd', '1000000000000', 'must be dollars'],
    ['limits.per_call_usd', '', 'must be dollars'],
    ['limits.per_call_usd', 'none', 'limits.per_call_usd always has a value'],
    ['hosts.allow', 'none', 'hosts.allow always has a value'],
    ['limits.calls_per_minute', '1.5', 'limits.calls_per_minute must be a whole number'],
    ['limits.calls_per_minute', '-1', 'must be a whole number'],
    ['limits.calls_per_minute', '10001', 'must be a whole number'],
    ['limits.calls_per_minute', 'many', 'must be a whole number'],
    ['hosts.allow', 'a.example', 'hosts.allow must be a JSON list'],
    ['hosts.allow', '"a.example"', 'must be a JSON list'],
    ['hosts.deny', '["a.example","https://b.example"]', 'hosts.deny[1] must be an exact host or host:port'],
    ['hosts.deny', '[7]', 'hosts.deny[0] must be'],
    ['net.allow_private', '["127.0.0.1"]', 'net.allow_private[0] must be an exact host:port'],
    ['net.proxy', 'socks5://proxy.example:1080', 'net.proxy must be none, env or an http(s) URL'],
    ['networks.enabled', '["base"]', 'networks.enabled[0] must be a network this wallet knows'],
    ['networks.enabled', '[null]', 'networks.enabled[0] must be a network this wallet knows'],
    ['networks.eip155:8453.rpc_url', 'http://rpc.example', 'must be an https URL'],
    ['networks.eip155:8453.rpc_url', 'https://a:b@rpc.example', 'must be an https URL'],
    ['networks.eip155:8453.rpc_url', 'http://127.0.0.1.example/', 'must be an https URL'],
    ['networks.eip155:8453.rpc_url', 'file:///etc/passwd', 'must be an https URL'],
    ['networks.eip155:8453.rpc_url', 'rpc', 'must be an https URL'],
    ['networks.eip155:8453.rpc_url', '[]', 'must be an https URL'],
    [
      'networks.eip155:8453.rpc_url',
      '["https://rpc.example/","http://rpc.example/"]',
      'must be an https URL',
    ],
    ['withdrawals.facilitator_url', 'https://a.example/?key=1', 'must be none or an http(s) URL'],
    ['telemetry.otlp_url', 'https://me:secret@a.example', 'must be none or an http(s) URL'],
    ['telemetry.otlp_url', 'grpc://a.example:4317', 'must be none or an http(s) URL'],
  ])('%s %s is refused: %s', (key, text, sentence) => {
    const error = refusal(() => setKey(initial(), key, text));
    expect(error.code).toBe('bad_input');
    expect(error.shortMessage).toContain(sentence);
  });

  test('a mistyped key is told with the one that was meant', () => {
    expect(refusal(() => setKey(initial(), 'limits.per_dya_usd', '1')).shortMessage).toBe(
      'limits.per_dya_usd is not a setting. Did you mean limits.per_day_usd?',
    );
  });

  test('the quorum of owners is no setting, and is told where it stands', () => {
    const refused = refusal(() => setKey(initial(), 'owners.quorum', '1'));
    expect(refused).toMatchObject({ code: 'bad_input', owner: { action: { kind: 'setQuorum' } } });
    expect(refused.shortMessage).toContain('stands in the keystore');
  });

  test('a key of control characters is not echoed', () => {
    expect(refusal(() => setKey(initial(), 'a\u001b[2J\u202e', '1')).shortMessage).toBe(
      'a?[2J? is not a setting.',
    );
  });

  test('a cap above its ceiling names both and the way out, from either side', () => {
    const raised = refusal(() => setKey(initial(), 'limits.per_call_usd', '6'));
    expect(raised.code).toBe('bad_input');
    expect(raised.shortMessage).toBe(
      'limits.per_call_usd of $6.00 is above its ceiling, ceilings.per_call_usd of $5.00; raise the ceiling first.',
    );
    expect(raised.owner?.action).toEqual({ kind: 'setSetting', key: 'ceilings.per_call_usd', value: '6.00' });
    const lowered = refusal(() => setKey(initial(), 'ceilings.per_call_usd', '0.4'));
    expect(lowered.shortMessage).toContain('lower the cap first');
    expect(lowered.owner?.action).toEqual({ kind: 'setSetting', key: 'limits.per_call_usd', value: '0.40' });
    expect(
      configWith({ 'ceilings.per_call_usd': '6.00', 'limits.per_call_usd': '6' }).limits.perCallUsdMicros,
    ).toBe(6_000_000n);
    const host = configWith({ 'ceilings.hosts.a.example.per_day_usd': '1' });
    const error = refusal(() => setKey(host, 'limits.hosts.a.example.per_day_usd', '2'));
    expect(error.owner?.action).toEqual({
      kind: 'setSetting',
      key: 'ceilings.hosts.a.example.per_day_usd',
      value: '2.00',
    });
  });

  test('test money and real money never stand beside each other', () => {
    const error = refusal(() => setKey(initial(), 'networks.enabled', '["eip155:8453","eip155:84532"]'));
    expect(error.shortMessage).toContain('Base Sepolia (eip155:84532), a test network');
    const other = refusal(() => setKey(initial(true), 'networks.enabled', '["eip155:8453"]'));
    expect(other.shortMessage).toContain('Base (eip155:8453), which is real money');
  });
});

const usdText = fc.bigInt({ min: 0n, max: 4n }).map(String);
const hostList = fc
  .subarray(['a.example', 'a.example:8443', 'b.example'])
  .map((list) => JSON.stringify(list));
const orNone = (text: fc.Arbitrary<string>) => fc.oneof(text, fc.constant('none'));
/** Texts for every row of the table: a row without any fails the test below. */
const TEXTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'limits.calls_per_minute': fc.nat(4).map(String),
  'limits.hosts.<host>.per_day_usd': orNone(usdText),
  'limits.models.<pattern>.per_call_usd': orNone(usdText),
  'ceilings.hosts.<host>.per_day_usd': orNone(usdText),
  'agents.<agent>.limits.calls_per_minute': orNone(fc.nat(4).map(String)),
  'payouts.addresses': fc
    .subarray([
      `eip155:84532:0x${'1'.repeat(40)}`,
      `solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1:${'1'.repeat(32)}`,
    ])
    .map((list) => JSON.stringify(list)),
  'categories.<category>.hosts': hostList,
  'templates.<template>.terms': orNone(
    fc.constantFrom('["for=7d"]', '["for=7d", "limits.per_day_usd=1"]', '["for=8h"]'),
  ),
  'agents.<agent>.budget': orNone(fc.constantFrom('research', 'company')),
  'agents.<agent>.refill.from': orNone(fc.constant('default')),
  'budgets.<budget>.per_day_usd': orNone(usdText),
  'budgets.<budget>.per_month_usd': orNone(usdText),
  'budgets.<budget>.total_usd': usdText,
  'budgets.<budget>.until': orNone(fc.constantFrom('2027-03-31', '2027-04-01')),
  'budgets.<budget>.parent': orNone(fc.constantFrom('company', 'other')),
  'approvals.wait_s': fc.nat(45).map(String),
  'approvals.webhook_url': fc.constantFrom('none', 'https://a.example/hook', 'https://b.example/hook'),
  'owner_page.url': orNone(fc.constantFrom('https://a.example', 'https://b.example:4403')),
  'notices.quiet_hours': orNone(fc.constantFrom('22:00-07:00', '23:00-07:00')),
  'notices.channels.<channel>.kind': orNone(fc.constantFrom('desktop', 'webhook')),
  'notices.channels.<channel>.url': orNone(fc.constantFrom('https://a.example/hook', 'smtps://mail.example')),
  'notices.channels.<channel>.to': orNone(fc.constantFrom('me@example.com', '-1001234')),
  'notices.channels.<channel>.from': orNone(fc.constantFrom('a@example.com', 'b@example.com')),
  'notices.channels.<channel>.user': orNone(fc.constantFrom('a', 'b')),
  'notices.channels.<channel>.tells': orNone(fc.constantFrom('["lost"]', '["cap","lost"]')),
  'notices.channels.<channel>.escalate_min': orNone(fc.constantFrom('1', '10')),
  'notices.channels.<channel>.digest_min': orNone(fc.constantFrom('1', '60')),
  'admin.on': fc.constantFrom('true', 'false'),
  'admin.oidc.issuer': fc.constantFrom('none', 'https://id.example', 'https://id.example/realms/a'),
  'admin.oidc.audience': fc.constantFrom('none', 'purser'),
  'admin.oidc.roles': fc
    .subarray(['viewer groups staff', 'operator groups wallet-ops', 'approver https://id.example/roles yes'])
    .map((list) => JSON.stringify(list)),
  'admin.clients.<client>.access': orNone(
    fc.constantFrom('viewer', 'owner').map((role) => JSON.stringify([role, '2027-03-31', 'a'.repeat(64)])),
  ),
  'hosts.allow': hostList,
  'hosts.deny': hostList,
  'net.allow_private': fc
    .subarray(['127.0.0.1:1', '127.0.0.1:2', '10.0.0.1:1'])
    .map((list) => JSON.stringify(list)),
  'net.proxy': fc.constantFrom('none', 'env', 'http://proxy.example:8080'),
  'files.send_from': fc
    .subarray(['home', 'temp', 'working', '/srv/data'])
    .map((list) => JSON.stringify(list)),
  'withdrawals.facilitator_url': fc.constantFrom('none', 'https://a.example/', 'https://b.example/'),
  'telemetry.otlp_url': fc.constantFrom('none', 'https://a.example/', 'http://b.example:4318'),
  'discovery.sources': fc
    .subarray(['https://a.example/list', 'https://b.example/list'])
    .map((list) => JSON.stringify(list)),
  pay_ahead: fc.constantFrom('off', 'fixed'),
  'discovery.remote_search': fc.constantFrom('true', 'false'),
  'networks.enabled': fc
    .shuffledSubarray(['eip155:8453', 'eip155:137', 'eip155:1'])
    .map((list) => JSON.stringify(list)),
  'proxy.upstreams.<name>.base_url': orNone(fc.constantFrom('https://a.example', 'https://b.example')),
  'proxy.upstreams.<name>.dialect': orNone(fc.constantFrom('openai', 'anthropic', 'plain')),
  'rates.source': fc.constantFrom('none', '65000.00', '70000.00'),
  'proxy.default_upstream': fc.constantFrom('none', 'gate', 'other'),
  'networks.<caip2>.rpc_url': orNone(
    fc.constantFrom('https://a.example/', '["https://a.example/","https://b.example/"]'),
  ),
};

/** Inside the wallet's own. */
const narrowUsd = orNone(fc.constantFrom('0', '0.10', '0.20', '0.50'));

function textFor(key: string): fc.Arbitrary<string> {
  if (key.startsWith('agents.')) return narrowUsd;
  return key.includes('.categories.') ? orNone(usdText) : usdText;
}

const settable = SETTING_ROWS.filter(({ setting }) => setting.fixed === undefined);
const change = fc.constantFrom(...settable).chain(({ setting }) => {
  const key = setting.key
    .replace('<host>', 'a.example')
    .replace('<name>', 'gate')
    .replace('<pattern>', 'gpt-*')
    .replace('<caip2>', 'eip155:8453')
    .replace('<agent>', 'researcher')
    .replace('<budget>', 'research')
    .replace('<template>', 'crawler')
    .replace('<category>', 'search')
    .replace('<channel>', 'phone')
    .replace('<client>', 'ops');
  const text = TEXTS[setting.key] ?? textFor(setting.key);
  return fc.record({ key: fc.constant(key), one: text, other: text });
});
// Ceilings far above every cap drawn, and caps below every ceiling drawn, so that no draw is in conflict.
const ROOMY = {
  'limits.per_call_usd': '0',
  'limits.per_session_usd': '0',
  'limits.per_day_usd': '0',
  'limits.per_month_usd': '0',
};
/** Budgets that may be named. */
const BUDGETS = {
  'budgets.research.total_usd': '1',
  'budgets.company.total_usd': '1',
  'budgets.other.total_usd': '1',
};
const roomy = (key: string) =>
  configWith({
    ...(key.startsWith('ceilings.') ? ROOMY : {}),
    ...(/budget/.test(key) ? BUDGETS : {}),
    ...(/channels/.test(key) ? { 'notices.channels.phone.kind': 'email' } : {}),
  });

test('a change and its opposite never both tighten, and are both the same or neither', () => {
  fc.assert(
    fc.property(change, ({ key, one, other }) => {
      const [first, second] = [one, other].map((text) => setKey(roomy(key), key, text).config);
      if (first === undefined || second === undefined) throw new Error('unreachable');
      const there = setKey(first, key, other).direction;
      const back = setKey(second, key, one).direction;
      expect([there, back]).not.toEqual(['tightens', 'tightens']);
      expect(there === 'same').toBe(back === 'same');
      // Which catalogues are searched bounds nothing (T17): a change of theirs goes neither way.
      if (key === 'discovery.sources') expect(there).toBe('same');
      else expect(there === 'same').toBe(getKey(first, key) === getKey(second, key));
    }),
  );
});

/** Whether a config lets this pass, in words of its own: what tightens must never answer yes where no was said. */
function permits(
  config: Config,
  probe: { host: string; usdMicros: bigint; network: string; private: string },
): boolean {
  const { limits, ceilings, hosts, net, networks } = config;
  const names = [probe.host, probe.host.replace(/:.*$/, '')];
  const bounds = [limits, ceilings].flatMap((amounts) => [
    amounts.perCallUsdMicros,
    amounts.perSessionUsdMicros,
    amounts.perDayUsdMicros,
    amounts.perMonthUsdMicros,
    ...names.flatMap((name) => amounts.hostPerDayUsdMicros.get(name) ?? []),
  ]);
  return (
    bounds.every((bound) => probe.usdMicros <= bound) &&
    (hosts.allow.length === 0 || names.some((name) => hosts.allow.includes(name))) &&
    !names.some((name) => hosts.deny.includes(name)) &&
    net.allowPrivate.includes(probe.private) &&
    (networks.enabled as readonly string[]).includes(probe.network)
  );
}

test('what tightens lets nothing pass that was stopped before', () => {
  const probe = fc.record({
    host: fc.constantFrom('a.example:443', 'a.example:8443', 'b.example:443', 'c.example:443'),
    usdMicros: fc.bigInt({ min: 0n, max: 4n }).map((dollars) => dollars * 1_000_000n),
    network: fc.constantFrom('eip155:8453', 'eip155:137'),
    private: fc.constantFrom('127.0.0.1:1', '10.0.0.1:1'),
  });
  const start = fc.array(change, { maxLength: 6 });
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(start, change, probe, (changes, { key, one }, what) => {
      const tryKey = (config: Config, changed: string, text: string) => {
        try {
          return setKey(config, changed, text);
        } catch {
          return undefined;
        }
      };
      const before = changes.reduce<Config>(
        (config, next) => tryKey(config, next.key, next.one)?.config ?? config,
        {
          ...initial(),
          net: { ...initial().net, allowPrivate: ['10.0.0.1:1', '127.0.0.1:1'] },
        },
      );
      const set = tryKey(before, key, one);
      if (set === undefined || set.direction === 'loosens') return;
      const [was, is] = [permits(before, what), permits(set.config, what)];
      outcomes.add(`${set.direction} ${was} ${is}`);
      if (!was) expect(is).toBe(false);
    }),
    { numRuns: 1500, seed: 7 },
  );
  expect([...outcomes]).toEqual(
    expect.arrayContaining(['tightens true false', 'tightens true true', 'same true true']),
  );
});

test('a diff names every key that differs, and who the wallet is', () => {
  const before = configWith({ 'hosts.deny': '["evil.example"]', 'limits.hosts.a.example.per_day_usd': '1' });
  const after: Config = {
    ...configWith({
      'hosts.deny': '[]',
      'limits.hosts.b.example.per_day_usd': '2',
      'limits.per_call_usd': '0.1',
    }),
    walletId: 'w2',
  };
  expect(changesBetween(before, after)).toEqual([
    { key: 'wallet_id', before: 'w1', after: 'w2', direction: 'loosens' },
    { key: 'limits.per_call_usd', before: '0.50', after: '0.10', direction: 'tightens' },
    { key: 'limits.hosts.a.example.per_day_usd', before: '1.00', after: 'none', direction: 'loosens' },
    { key: 'limits.hosts.b.example.per_day_usd', before: 'none', after: '2.00', direction: 'tightens' },
    { key: 'hosts.deny', before: '["evil.example"]', after: '[]', direction: 'loosens' },
  ]);
  expect(changesBetween(after, after)).toEqual([]);
  expect(together([])).toBe('same');
  expect(together(['tightens', 'loosens', 'same'])).toBe('loosens');
  expect(together(['same', 'tightens'])).toBe('tightens');
});

test('the table names what the config holds', () => {
  expect(Object.keys(initialSettings(false))).toEqual(Object.keys(SETTINGS));
});

describe('agents and categories', () => {
  test('an agent’s own limit is not set above the wallet’s; lowering the wallet’s waits for no agent', () => {
    const key = 'agents.researcher.limits.per_day_usd';
    expect(refusal(() => setKey(initial(), key, '5.01')).shortMessage).toContain(
      'limits.per_day_usd is $5.00',
    );
    const config = configWith({ [key]: '5', 'limits.per_day_usd': '1' });
    expect(getKey(config, key)).toBe('5.00');
    const ceiling = 'agents.researcher.ceilings.per_day_usd';
    expect(refusal(() => setKey(initial(), ceiling, '51')).shortMessage).toContain('ceilings.per_day_usd is');
    expect(refusal(() => setKey(configWith({ [ceiling]: '1' }), key, '2')).shortMessage).toContain(
      'is above',
    );
  });

  test('a refill brings at least what calls for it, and no money goes in a circle', () => {
    const config = configWith({ 'agents.bob.refill.below_usd': '5' });
    const says = (key: string, value: string, from = config): string =>
      refusal(() => setKey(from, key, value)).shortMessage;
    expect(says('agents.bob.refill.to_usd', '4')).toContain('is less than its below_usd of $5.00');
    expect(says('agents.bob.refill.from', 'nobody')).toContain('There is no agent nobody');
    expect(says('agents.bob.refill.from', 'bob')).toContain('There is no agent bob');
    const both = configWith({ 'agents.bob.refill.below_usd': '5', 'agents.bob.refill.from': 'default' });
    expect(says('agents.default.refill.to_usd', '1', both)).toContain('default is refilled itself');
  });

  test('nobody sets which keys an agent has', () => {
    expect(refusal(() => setKey(initial(), 'agents.researcher.index', '3')).code).toBe('bad_input');
  });

  test.each(['Researcher', 'a b', '', '-a', 'a'.repeat(33), '__proto__'])('%j names no agent', (name) => {
    expect(refusal(() => setKey(initial(), `agents.${name}.limits.per_day_usd`, '1')).code).toBe('bad_input');
  });

  test('a host has one category', () => {
    const config = configWith({ 'categories.search.hosts': '["a.example"]' });
    expect(refusal(() => setKey(config, 'categories.data.hosts', '["a.example"]')).shortMessage).toContain(
      'a host has one',
    );
  });

  test.each([
    ['[]', '["a.example"]', 'tightens'],
    ['["a.example"]', '[]', 'loosens'],
    ['["a.example"]', '["b.example"]', 'loosens'],
    ['["a.example"]', '["a.example","b.example"]', 'tightens'],
    // It may leave the category that its host is in.
    ['["a.example"]', '["a.example","b.example:8443"]', 'loosens'],
  ])('hosts of a category from %s to %s: %s', (from, to, direction) => {
    const key = 'categories.search.hosts';
    expect(setKey(configWith({ [key]: from }), key, to).direction).toBe(direction);
  });
});

test('an entry comes into a list and goes, and the others stay', () => {
  const config = configWith({ 'hosts.deny': '["a.example"]' });
  expect(withEntry(config, 'hosts.deny', 'add', 'b.example')).toBe('["a.example","b.example"]');
  expect(withEntry(config, 'hosts.deny', 'add', 'a.example')).toBe('["a.example"]');
  expect(withEntry(config, 'hosts.deny', 'remove', 'a.example')).toBe('[]');
  expect(withEntry(config, 'hosts.deny', 'remove', 'b.example')).toBe('["a.example"]');
  expect(withEntry(config, 'networks.eip155:8453.rpc_url', 'add', 'https://rpc.example')).toBe(
    '["https://rpc.example"]',
  );
  expect(() => withEntry(config, 'limits.per_day_usd', 'add', '5')).toThrow(/holds one value/);
});

describe('templates of agents', () => {
  const BUDGET = { 'budgets.research.per_day_usd': '10' };
  test.each([
    ['[]', /how long an agent lives/],
    ['["for=0d"]', /how long an agent lives/],
    ['["for=367d"]', /how long an agent lives/],
    ['["for=7d", "for=8d"]', /a JSON list such as/],
    ['["for=7d", "agents=10001", "budget=research"]', /number up to 10000/],
    // Those that a client of the admin API makes are bounded together.
    ['["for=7d", "agents=1"]', /must name the budget/],
    ['["for=7d", "index=3"]', /index is no setting of an agent/],
    ['["for=7d", "limits.per_hour_usd=3"]', /is no setting of an agent/],
    ['["for=7d", "limits.per_day_usd=-1"]', /limits\.per_day_usd/],
    ['["for=7d", "budget=none-such"]', /The budget none-such has no amount, and templates\.crawler\.terms/],
  ])('%s is refused', (text, why) => {
    expect(refusal(() => configWith({ ...BUDGET, 'templates.crawler.terms': text })).message).toMatch(why);
  });

  test('any change of one loosens, and taking it away tightens: it is shown whole (T35)', () => {
    const config = configWith(BUDGET);
    const made = setKey(config, 'templates.crawler.terms', '["limits.per_day_usd=1.5","for=7d"]');
    expect(made).toMatchObject({
      direction: 'loosens',
      after: '["for=7d","limits.per_day_usd=1.50"]',
    });
    const fewer = setKey(made.config, 'templates.crawler.terms', '["for=7d","limits.per_day_usd=1"]');
    expect(fewer.direction).toBe('loosens');
    expect(setKey(made.config, 'templates.crawler.terms', 'none').direction).toBe('tightens');
  });
});

describe('budgets', () => {
  const tree = configWith({
    'budgets.company.per_month_usd': '500',
    'budgets.research.per_month_usd': '100',
    'budgets.research.parent': 'company',
  });

  test('a new budget, its end, its place and the first agent in it only narrow', () => {
    const keys = {
      'budgets.field.total_usd': '10',
      'budgets.research.until': '2027-03-31',
      'budgets.field.parent': 'research',
      'agents.weather.budget': 'field',
    };
    let config = setKey(initial(), 'budgets.research.total_usd', '5').config;
    for (const [key, value] of Object.entries(keys)) {
      const set = setKey(config, key, value);
      expect(set.direction, key).toBe('tightens');
      config = set.config;
    }
  });

  test.each([
    ['budgets.research.per_month_usd', '101'],
    ['budgets.company.per_month_usd', '500.01'],
    ['budgets.research.parent', 'none'],
  ])('%s = %s loosens', (key, value) => {
    expect(setKey(tree, key, value).direction).toBe('loosens');
  });

  test('an agent that is moved to another budget, or out of all, loosens', () => {
    const inOne = setKey(tree, 'agents.weather.budget', 'research').config;
    expect(setKey(inOne, 'agents.weather.budget', 'company').direction).toBe('loosens');
    expect(setKey(inOne, 'agents.weather.budget', 'none').direction).toBe('loosens');
    expect(setKey(inOne, 'budgets.research.until', '2027-01-01').direction).toBe('tightens');
  });

  test('what has no amount, is part of itself or stands too deep is refused', () => {
    expect(refusal(() => setKey(tree, 'agents.weather.budget', 'none-such')).message).toContain(
      'has no amount',
    );
    expect(refusal(() => setKey(tree, 'budgets.company.parent', 'research')).message).toContain(
      'part of itself',
    );
    expect(refusal(() => setKey(tree, 'budgets.company.per_month_usd', 'none')).message).toContain(
      'budgets.research.parent is about it',
    );
    expect(refusal(() => setKey(tree, 'budgets.a_b.total_usd', '1')).message).toContain('small letters');
    const chain = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const deep = configWith(Object.fromEntries(chain.map((name) => [`budgets.${name}.total_usd`, '1'])));
    const placed = chain
      .slice(0, 5)
      .reduce((config, name, i) => setKey(config, `budgets.${name}.parent`, chain[i + 1] ?? '').config, deep);
    expect(refusal(() => setKey(placed, 'budgets.f.parent', 'g')).message).toContain('6 levels');
  });
});
