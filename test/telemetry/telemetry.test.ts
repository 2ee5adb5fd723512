import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { proxyAccess } from '../../src/proxy/access.js';
import { startProxy } from '../../src/proxy/proxy.js';
import { newProxyToken } from '../../src/proxy/token.js';
import { settleBinding } from '../../src/server/http/socket/binding.js';
import { TelemetryKeeper } from '../../src/server/telemetryKeeper.js';
import { startTelemetry } from '../../src/telemetry/telemetry.js';
import { outcome, type ToldOutcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { connect } from '../http/fixture.js';
import { addAgents, Served, type FundedAgent } from '../http/served.js';
import { ERAS } from '../mcp/purser.js';
import { paymentsIn } from '../support/books.js';
import type { TestWallet } from '../support/testWallet.js';
import { settleAll } from '../support/truth.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { startCollector, type ArrivedSpan, type Collector, type Manner } from './collector.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const CALLER = `00-${TRACE}-${SPAN}-00`;

/** All that a span may tell. What is not here is told nowhere. */
const TOLD: readonly string[] = [
  ...['purser.agent', 'purser.call', 'purser.status', 'purser.code', 'purser.money', 'purser.replayed'],
  ...['purser.payment.id', 'purser.payment.kind', 'purser.payment.state', 'purser.payment.network'],
  ...['purser.payment.asset', 'purser.payment.amount_atomic', 'purser.payment.amount_usd_micros'],
  ...['purser.payment.rail', 'purser.settlement', 'purser.session_left_usd'],
  ...['purser.budget_left_usd_micros', 'server.address', 'error.type'],
];

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
let ada: FundedAgent;
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
  world = await startTestWorld();
  mine = await world.wallet({
    settings: {
      'telemetry.otlp_url': collector.url,
      'budgets.team.per_month_usd': '5',
    },
  });
  await mine.set('agents.ada.budget', 'team');
  wallet = mine.open();
  [ada] = (await addAgents(world.sandbox, wallet, ['ada'], 5_000_000n)) as [FundedAgent];
});
afterEach(() => {
  expect(collector.faults).toEqual([]);
  for (const { name, attributes } of collector.spans) {
    const more = Object.keys(attributes).filter((key) => !TOLD.includes(key));
    expect(more, `attributes of ${name} that are in no list`).toEqual([]);
  }
  collector.be('takes');
});
afterAll(async () => {
  await world.stop();
  await collector[Symbol.asyncDispose]();
});

const spansNamed = (name: string, from = 0): ArrivedSpan[] =>
  collector.spans.slice(from).filter((span) => span.name === name);

/** A proxy of the wallet's in this process, whose calls are traced, and the wallet looked after as it is behind one. */
async function startTraced() {
  const keeper = new TelemetryKeeper('0.0.0-test');
  keeper.over(await wallet.engine());
  await keeper.start();
  const token = newProxyToken();
  const proxy = await startProxy({
    binding: settleBinding({ tls: false, behindProxy: false }),
    at: { kind: 'address', host: '127.0.0.1', port: 0 },
    tls: null,
    tellOwner: () => null,
    access: proxyAccess(wallet, token),
    tracer: keeper.tracer,
  });
  const get = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${proxy.url}/${token}/${url}`, { headers });
  return { keeper, proxy, get };
}

describe.each(ERAS)('a call of a tool in $era', ({ mode }) => {
  test('is one trace with its caller, down to the settlement, and holds no word of what was asked', async () => {
    const before = collector.spans.length;
    // Else a server that lives for long enough proves its payments settled, and holds none open at its end.
    await world.sandbox.rpc.setFault({ kind: 'stuck' });
    const served = await Served.start(mine, [], undefined, undefined, {
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });
    const client = await connect(served.url, ada.token, mode);
    const url = world.url('/v2/json', { q: 'query-secret' });
    const args = callOf(url, {
      reason: 'reason-secret',
      headers: { 'x-api-key': 'header-secret' },
      idempotency_key: `key-secret-${JSON.stringify(mode)}`,
      labels: { team: 'label-secret' },
    });
    const { structuredContent } = await client.callTool({
      name: 'wallet_pay',
      arguments: args,
      _meta: { traceparent: CALLER, tracestate: 'vendor=state-secret', baggage: 'user=baggage-secret' },
    });
    const told = structuredContent as ToldOutcome;
    expect(told).toMatchObject({ status: 'ok', code: 'paid' });
    await client.callTool({
      name: 'wallet_pay',
      arguments: { ...args, idempotency_key: `another-${JSON.stringify(mode)}` },
    });
    await client.callTool({
      name: 'wallet_pay',
      arguments: { url: world.url('/v2/json'), max_usd: '0.001' },
    });
    await client.close();
    // What waits is sent when it ends.
    expect(await served.stop()).toEqual({ code: 0, signal: null });
    served.removeLog();
    await world.sandbox.rpc.setFault(null);

    const [call, again, refused, ...others] = spansNamed('wallet_pay', before);
    expect(others).toEqual([]);
    const payment = (await paymentsIn(await wallet.engine())).find(({ id }) => id === told.payment?.id);
    expect(call).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, isFault: false });
    expect(call?.attributes).toMatchObject({
      'purser.agent': 'ada',
      'purser.call': 'wallet_pay',
      'purser.status': 'ok',
      'purser.code': 'paid',
      'purser.money': 'captured',
      'purser.payment.id': payment?.id,
      'purser.payment.network': 'eip155:84532',
      'purser.payment.asset': 'USDC',
      'purser.payment.amount_atomic': '10000',
      'purser.payment.amount_usd_micros': '10000',
      'server.address': new URL(url).hostname,
      'purser.session_left_usd': told.session_left_usd,
    });
    const left = call?.attributes['purser.budget_left_usd_micros'];
    expect(left).toMatch(/^4[89]\d0000$/);
    expect(call?.resource).toMatchObject({
      'service.name': 'purser',
      'deployment.environment.name': 'test',
    });
    const steps = collector.spans.filter(({ parentSpanId }) => parentSpanId === call?.spanId);
    expect(steps.map(({ name }) => name)).toEqual([
      ...['probe', 'select', 'hold', 'sign', 'commit', 'send', 'read', 'settle'],
    ]);
    for (const { startNs, endNs, traceId } of steps) {
      expect(traceId).toBe(TRACE);
      expect(endNs >= startNs && startNs >= (call?.startNs ?? 0n) && endNs <= (call?.endNs ?? 0n)).toBe(true);
    }
    // Whose caller names no span has a trace of its own; what was paid before is said to be that.
    expect(again).toMatchObject({ parentSpanId: undefined });
    expect(again?.traceId).not.toBe(TRACE);
    expect(again?.attributes).toMatchObject({
      'purser.code': 'paid',
      'purser.payment.amount_atomic': '10000',
    });
    expect(refused?.attributes).toMatchObject({ 'purser.status': 'refused', 'purser.money': 'none' });

    const points = collector.points.map(({ name, value, attributes }) => [name, value, attributes]);
    expect(points).toContainEqual([
      'purser.payments',
      2,
      { agent: 'ada', network: 'eip155:84532', outcome: 'captured' },
    ]);
    expect(points).toContainEqual([
      'purser.payments.amount',
      20_000,
      { agent: 'ada', network: 'eip155:84532', outcome: 'captured' },
    ]);
    expect(points).toContainEqual([
      'purser.refusals',
      1,
      { agent: 'ada', code: refused?.attributes['purser.code'] },
    ]);
    expect(points).toContainEqual(['purser.call.duration', 2, { call: 'wallet_pay', status: 'ok' }]);
    const openAtEnd = collector.points.filter(({ name }) => name === 'purser.holds.open').at(-1);
    expect(openAtEnd?.value).toBeGreaterThanOrEqual(2);

    const all = collector.bodies.join('\n');
    expect(all).toContain(payment?.id);
    for (const secret of ['secret', '/v2/json', ada.token, readFileSync(mine.passphraseFile, 'utf8').trim()])
      expect(all).not.toContain(secret);
  });
});

test('nothing is sent, and nothing loaded, where no collector is set, whatever the environment says', async () => {
  await mine.set('telemetry.otlp_url', 'none');
  const before = collector.requests();
  const served = await Served.start(mine, [], undefined, undefined, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_EXPORTER: 'otlp',
  });
  const client = await connect(served.url, ada.token, 'auto');
  const { structuredContent } = await client.callTool({
    name: 'wallet_pay',
    arguments: callOf(world.url('/v2/json')),
    _meta: { traceparent: CALLER },
  });
  expect(structuredContent).toMatchObject({ code: 'paid' });
  await client.close();
  expect(await served.stop()).toEqual({ code: 0, signal: null });
  served.removeLog();
  expect(collector.requests()).toBe(before);
  const keeper = new TelemetryKeeper('0.0.0-test');
  keeper.over(await wallet.engine());
  await keeper.start();
  expect(keeper.tracer).toBeUndefined();
  await mine.set('telemetry.otlp_url', collector.url);
});

test('a request through the proxy is a trace, and the proof behind it joins it', async () => {
  const before = collector.spans.length;
  // Of a call that nobody here traces.
  const context = { signal: new AbortController().signal };
  expect(await wallet.pay(callOf(world.url('/v2/json')), context)).toMatchObject({ code: 'paid' });
  const { keeper, proxy, get } = await startTraced();
  const response = await get(world.url('/v2/json', { q: 'proxy-secret' }), { traceparent: CALLER });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
  await settleAll(world, wallet);
  await proxy.close();
  await keeper.close();

  const [call] = spansNamed('proxy', before);
  expect(call).toMatchObject({ traceId: TRACE, parentSpanId: SPAN });
  const id = response.headers.get('x-purser-payment-id');
  expect(call?.attributes).toMatchObject({ 'purser.agent': 'default', 'purser.payment.id': id });
  const proofs = spansNamed('settlement', before);
  const own = proofs.find(({ attributes }) => attributes['purser.payment.id'] === id);
  expect(own).toMatchObject({ traceId: TRACE, parentSpanId: call?.spanId });
  expect(own?.attributes).toMatchObject({
    'purser.settlement': 'confirmed',
    'purser.payment.state': 'captured',
    'purser.payment.amount_atomic': '10000',
  });
  const others = proofs.filter(({ attributes }) => attributes['purser.payment.id'] !== id);
  expect(others.length).toBeGreaterThan(0);
  for (const { parentSpanId } of others) expect(parentSpanId).toBeUndefined();
  expect(collector.bodies.join('\n')).not.toContain('proxy-secret');
});

test.each<Manner>(['hangs', 'refuses', 'breaks off'])(
  'a collector that %s holds up no payment, and not the end',
  async (manner) => {
    collector.be(manner);
    const before = collector.requests();
    const { keeper, proxy, get } = await startTraced();
    for (let i = 0; i < 3; i++) expect((await get(world.url('/v2/json'))).status).toBe(200);
    // Payments go on with what it had by then unanswered.
    await expect.poll(() => collector.requests()).toBeGreaterThan(before);
    expect((await get(world.url('/v2/json'))).status).toBe(200);
    await proxy.close();
    await keeper.close();
  },
);

test('a collector that is not there holds up nothing either', async () => {
  await mine.set('telemetry.otlp_url', 'http://127.0.0.1:9');
  const { keeper, proxy, get } = await startTraced();
  expect((await get(world.url('/v2/json'))).status).toBe(200);
  await proxy.close();
  await keeper.close();
});

test('what a collector does not take is dropped at a bound', async () => {
  collector.be('hangs');
  const before = collector.spans.length;
  const telemetry = startTelemetry({
    url: collector.url,
    version: '0.0.0-test',
    readOpen: async () => Promise.resolve(null),
    budgetLeft: async () => Promise.resolve(null),
  });
  const told = outcome({ status: 'ok', code: 'ok', message: '' });
  const burst = async (): Promise<void> => {
    for (let i = 0; i < 10_000; i++)
      telemetry
        .begin({ name: 'flood', agent: 'default', traceparent: undefined, startedMs: performance.now() })
        .end(told);
    await new Promise(setImmediate);
  };
  const first = collector.requests();
  await burst();
  await expect.poll(() => collector.requests()).toBeGreaterThan(first);
  await burst();
  collector.be('takes');
  await telemetry.close();
  const arrived = spansNamed('flood', before).length;
  expect(arrived).toBeGreaterThan(0);
  expect(arrived).toBeLessThanOrEqual(4096);
});
