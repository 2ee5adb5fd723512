import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setKey } from '../../config/change.js';
import { initialSettings, type Config } from '../../config/settings.js';
import type { NoticeBook } from '../../ledger/books/notice.js';
import { captured, newLedger, sent, T0 } from '../../ledger/sqlite/fixtures.js';
import { openNotices } from '../../ledger/stores.js';
import type { Engine } from '../../wallet/engine.js';
import { ChannelSecrets } from './channelSecrets.js';
import { watchNotices, type NoticeWatch } from './noticeWatch.js';
import { startReceiver, type Receiver } from './receivers.fixture.js';
import { noticeWords } from './words.js';

const HOUR_MS = 3_600_000;

/** An open wallet as far as notices look at one: a real ledger, no network, and a clock that the test sets. */
class World implements AsyncDisposable {
  readonly world = newLedger();
  readonly home = dirname(this.world.path);
  readonly #closing = new AbortController();
  config: Config = {
    ...initialSettings(true),
    ...{ version: 1, walletId: 'wal_1', keystore: 'file', testnet: true },
  };
  nowMs = T0;
  readonly shown: string[] = [];
  readonly keys = {
    seal: (place: string, text: string) => Buffer.from(`${place}|${text}`),
    unseal: (place: string, sealed: Uint8Array) => {
      const text = Buffer.from(sealed).toString();
      return text.startsWith(`${place}|`) ? text.slice(place.length + 1) : null;
    },
  };

  /** One more process that looks after the same wallet. */
  open(ledger = this.world.open()): NoticeWatch {
    const engine = {
      ...{ home: this.home, ledger, keys: this.keys, closing: this.#closing.signal },
      now: () => this.nowMs,
      config: async () => Promise.resolve(this.config),
    };
    return watchNotices(engine as unknown as Engine, {
      version: '0.0.0-test',
      showDesktop: async (text) => Promise.resolve(this.shown.push(text) > 0),
    });
  }

  set(values: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(values)) this.config = setKey(this.config, key, value).config;
  }

  async lose(host: string, nowMs = this.nowMs): Promise<void> {
    const { ledger } = this.world;
    const { id } = await captured(ledger, { nowMs, host }, { confirmed: true });
    await ledger.saveAnswer(
      {
        ...{ status: 500, headers: [], body: new Uint8Array(2), storedId: null, bytes: 2, truncated: false },
        ...{ paymentId: id, agent: 'default', storedMs: nowMs },
      },
      'error',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await new Promise((resolve) => setImmediate(resolve));
    this.world[Symbol.dispose]();
  }
}

let world: World;
let receiver: Receiver;
beforeEach(async () => {
  world = new World();
  // Networks are not asked: this wallet has none to ask.
  world.set({ 'notices.money_low_usd': '0' });
  receiver = await startReceiver();
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const words = async (book: NoticeBook): Promise<string[]> => (await book.list(50)).map(noticeWords).reverse();

test('tells of what the ledger has, once, though several processes look', async () => {
  const watches = [world.open(), world.open(), world.open()];
  await world.lose('takes.example.com');
  await captured(world.world.ledger, { nowMs: T0, heldUsdMicros: 4_000_000n });
  const unsettled = await sent(world.world.ledger, { nowMs: T0, host: 'slow.example.com' });
  await world.world.ledger.markUnknown(unsettled.id, 'no_answer', T0);
  await Promise.all(watches.map((watch) => watch.look()));
  await Promise.all(watches.map((watch) => watch.look()));
  const [{ book } = watches[0]!] = watches;
  expect(await words(book)).toEqual([
    '80 % of limits.per_day_usd is used: $4.02 of $5.00.',
    'takes.example.com took $0.01 from agent default and gave nothing for it.',
  ]);
  world.nowMs = T0 + HOUR_MS;
  await Promise.all(watches.map((watch) => watch.look()));
  expect((await words(book))[2]).toBe(
    'A payment of $0.01 to slow.example.com by agent default has been open for an hour: its money may still move.',
  );
  expect(await book.list(50)).toHaveLength(3);
});

test('does not tell of what was before, and tells of a wrong passphrase', async () => {
  await world.lose('old.example.com');
  world.nowMs = T0 + HOUR_MS;
  const watch = world.open();
  await world.world.ledger.factors.countTry('page', () => ({ allowed: true }), world.nowMs);
  await watch.look();
  expect(await words(watch.book)).toEqual([]);
  world.nowMs += 20_000;
  await watch.look();
  expect(await words(watch.book)).toEqual([
    'Your owner passphrase was tried once without success, on a page of Purser’s.',
  ]);
});

test('sends each notice once by each channel, tries again what failed, and keeps the order', async () => {
  world.set({
    'notices.channels.hook.kind': 'webhook',
    'notices.channels.hook.url': `${receiver.url}/hook`,
    'notices.channels.screen.kind': 'desktop',
    'notices.channels.screen.tells': '["cap"]',
  });
  await new ChannelSecrets(world.home, world.keys).write('hook', 'whsec_AAAA');
  const watches = [world.open(), world.open()];
  receiver.status = 503;
  await world.lose('a.example.com');
  await Promise.all(watches.map((watch) => watch.look()));
  await world.lose('b.example.com');
  await Promise.all(watches.map((watch) => watch.look()));
  expect(receiver.received).toHaveLength(1);
  const { book } = watches[0]!;
  expect(await book.channels()).toMatchObject([{ channel: 'hook', waiting: 2, fault: 'It answered 503.' }]);
  receiver.status = 200;
  world.nowMs += 5_000;
  await Promise.all(watches.map((watch) => watch.look()));
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(ids).toEqual(['ntc_1', 'ntc_1', 'ntc_2']);
  expect(await book.channels()).toMatchObject([{ channel: 'hook', waiting: 0, fault: null }]);
  expect(world.shown).toEqual([]);
});

test('a second channel is for what nobody saw', async () => {
  world.set({
    'notices.channels.late.kind': 'desktop',
    'notices.channels.late.escalate_min': '10',
  });
  const watch = world.open();
  await world.lose('a.example.com');
  await watch.look();
  await world.lose('b.example.com');
  await watch.look();
  await watch.book.markSeen({ seq: 1 }, world.nowMs);
  world.nowMs += 10 * 60_000;
  await watch.look();
  expect(world.shown).toEqual(['b.example.com took $0.01 from agent default and gave nothing for it.']);
});

test('what came in quiet hours follows in one message', async () => {
  world.set({
    'notices.channels.phone.kind': 'ntfy',
    'notices.channels.phone.url': `${receiver.url}/topic`,
    'notices.quiet_hours': '00:00-23:59',
  });
  const watch = world.open();
  for (const host of ['a.example.com', 'b.example.com']) await world.lose(host);
  await watch.look();
  expect(receiver.received).toEqual([]);
  world.nowMs += 24 * HOUR_MS;
  await watch.look();
  expect(receiver.received.map(({ headers }) => headers['title'])).toEqual(['Purser: 2 notices']);
});

test('a new client is told of once, and a book that another process opened knows it', async () => {
  const watch = world.open();
  watch.noteClient({ agent: 'default', client: 'Claude Code' });
  watch.noteClient({ agent: 'default', client: 'Claude Code' });
  await expect.poll(() => words(watch.book)).toHaveLength(1);
  const other = world.open();
  other.noteClient({ agent: 'default', client: 'Claude Code' });
  await other.look();
  const book = openNotices(world.home, T0);
  expect(await words(book)).toEqual(['A client that is new to this wallet called it as agent default.']);
  book.close();
});

test('another owner is told of what one proposed, once, and of none that is over', async () => {
  world.set({
    'notices.channels.hook.kind': 'webhook',
    'notices.channels.hook.url': `${receiver.url}/hook`,
    'notices.channels.late.kind': 'desktop',
    'notices.channels.late.escalate_min': '10',
  });
  await new ChannelSecrets(world.home, world.keys).write('hook', 'whsec_AAAA');
  const { owners } = world.world.ledger;
  await owners.setQuorum(2, { by: [], factorIds: [] }, T0);
  const propose = async (what: string, detail: string): Promise<string> => {
    const act = { what, details: [detail], digest: detail, action: null };
    const by = { owner: 'ann', factor: null };
    const word = { act, by, owners: ['ann', 'bob'], use: null, needsQuorum: true, confirms: null };
    const allowed = await owners.allow(word, world.nowMs);
    return allowed.kind === 'proposed' ? allowed.proposal.id : '';
  };
  const watches = [world.open(), world.open()];
  const look = (): Promise<unknown> => Promise.all(watches.map((watch) => watch.look()));
  const [{ book } = watches[0]!] = watches;
  const id = await propose(
    'Set limits.per_day_usd',
    'limits.per_day_usd loosens\n  from  5.00\n  to    6.00',
  );
  await look();
  await look();
  const text = `ann proposed as ${id}: Set limits.per_day_usd: limits.per_day_usd loosens from 5.00 to 6.00. Nothing is done before another owner confirms it, on the owner’s page or in a terminal by that id.`;
  expect(await words(book)).toEqual([text]);
  const events = receiver.received.map(({ body }) => JSON.parse(body) as object);
  expect(events).toMatchObject([
    {
      event: 'proposal',
      subject: id,
      by: 'ann',
      text,
      expires_at: new Date(T0 + 24 * HOUR_MS).toISOString(),
    },
  ]);
  // An address may hold a key, and is for the owner's page alone.
  const other = await propose('Moving the ledger to postgres://db.example/x', 'by postgres://key@db.example');
  await look();
  expect((await words(book))[1]).toContain(
    `ann proposed as ${other}: Moving the ledger to an address. Nothing`,
  );
  await owners.withdraw(id, null, T0);
  world.nowMs += 10 * 60_000;
  await look();
  expect(world.shown.join('\n')).toContain(other);
  expect(world.shown.join('\n')).not.toContain(id);
  expect((await book.list(9, { unseen: true })).map(({ subject }) => subject)).toEqual([other]);
});
