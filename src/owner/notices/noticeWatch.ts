import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../../config/settings.js';
import type { NoticeBook, Send } from '../../ledger/books/notice.js';
import { openNotices } from '../../ledger/stores.js';
import type { Engine } from '../../wallet/engine.js';
import { channelsOf, type Channel } from './channel.js';
import { ChannelSecrets } from './channelSecrets.js';
import { carry, NotCarried, type CarrierParts } from './carrier.js';
import type { ClientSeen, RefillSeen } from './facts.js';
import { messageOf } from './message.js';
import { readFacts, readMoneyLeft } from './readFacts.js';
import { clientNotices, dueNotices, refillNotices } from './rules.js';
import { nextTryMs, planSends } from './schedule.js';
import { isWaiting } from './words.js';

/** How often the journal's head is looked at: a question lives ten minutes. */
const LOOK_MS = 1_000;
/** How often all of it is looked at though the journal stands still: windows roll, and hours go by. */
const WHOLE_MS = 30_000;
/** How often networks are asked what agents have left, by one process of all. */
const MONEY_MS = 5 * 60_000;
const MONEY_MARK = 'asked for money';
/** Longer than a channel takes to answer; after it another process tries. */
const LEASE_MS = 60_000;
/** Clients that a process remembers; more of them take as many names, and are looked up in the book. */
const CLIENTS_KEPT = 1_000;
/** Notices whose questions may be over. */
const UNSEEN_MAX = 200;

/** What {@link watchNotices} needs beside the open wallet. */
export interface WatchParts extends Omit<CarrierParts, 'now'> {
  /** The minute of the day at a time, by the clock on the wall. */
  readonly minuteOfDay?: (ms: number) => number;
}

/** What looks after the owner's notices in this process. */
export interface NoticeWatch {
  readonly book: NoticeBook;
  /** Notes that a client calls. Costs nothing for one that was seen. */
  noteClient(seen: ClientSeen): void;
  /** Notes what came of an agent's need of a refill. */
  noteRefill(seen: RefillSeen): void;
  /** Looks now, and sends what is due; resolves when all of it was tried. Never rejects. */
  look(): Promise<void>;
}

/**
 * Looks behind the calls for what the owner should be told, keeps it, and sends it by their channels, until the wallet
 * closes. Each process of a wallet may do so: the book has each notice made once, and each send taken by one of them. No call
 * waits for any of it, and no fault of it ends anything.
 */
export function watchNotices(engine: Engine, parts: WatchParts): NoticeWatch {
  const watch = new Watch(engine, parts);
  void watch.run();
  return watch;
}

class Watch implements NoticeWatch {
  readonly book: NoticeBook;
  readonly #engine: Engine;
  readonly #parts: CarrierParts;
  readonly #minuteOfDay: (ms: number) => number;
  readonly #clients = new Set<string>();
  readonly #sending = new Set<Promise<void>>();
  #seq = -1;
  #wholeMs = -Infinity;

  constructor(engine: Engine, parts: WatchParts) {
    this.#engine = engine;
    this.#parts = { ...parts, now: () => engine.now() };
    this.#minuteOfDay = parts.minuteOfDay ?? localMinute;
    this.book = openNotices(engine.home, engine.now());
  }

  async run(): Promise<void> {
    const { closing } = this.#engine;
    while (!closing.aborted) {
      await this.#once();
      await pause(LOOK_MS, undefined, { signal: closing, ref: false }).catch(() => undefined);
    }
    while (this.#sending.size > 0) await Promise.allSettled(this.#sending);
    this.book.close();
  }

  noteClient(seen: ClientSeen): void {
    const key = `${seen.agent} ${seen.client}`;
    if (this.#clients.has(key)) return;
    if (this.#clients.size >= CLIENTS_KEPT) this.#clients.clear();
    this.#clients.add(key);
    void this.#settleClient(seen).catch(() => this.#clients.delete(key));
  }

  noteRefill(seen: RefillSeen): void {
    void this.#settleRefill(seen).catch(() => undefined);
  }

  async look(): Promise<void> {
    this.#wholeMs = -Infinity;
    await this.#once();
    while (this.#sending.size > 0) await Promise.allSettled(this.#sending);
  }

  async #settleClient(seen: ClientSeen): Promise<void> {
    const config = await this.#engine.config();
    await this.#settle(config, (marks) => clientNotices(seen, marks, this.#engine.now()));
  }

  async #settleRefill(seen: RefillSeen): Promise<void> {
    const config = await this.#engine.config();
    await this.#settle(config, (marks) => refillNotices(seen, marks, this.#engine.now()));
  }

  /** A wallet that cannot be read now, such as one that is being restored, is looked at again later. */
  async #once(): Promise<void> {
    try {
      const config = await this.#engine.config();
      if (await this.#isDue()) await this.#notice(config);
      await this.#send(config);
    } catch {
      this.#seq = -1;
    }
  }

  async #isDue(): Promise<boolean> {
    const { seq } = await this.#engine.ledger.head();
    const nowMs = this.#engine.now();
    if (seq === this.#seq && Math.abs(nowMs - this.#wholeMs) < WHOLE_MS) return false;
    this.#seq = seq;
    this.#wholeMs = nowMs;
    return true;
  }

  async #notice(config: Config): Promise<void> {
    const nowMs = this.#engine.now();
    const facts = await readFacts(this.#engine, config, await this.book.begunMs(), nowMs);
    const asksMoney = facts.lowUsdMicros > 0n && (await this.book.claim(MONEY_MARK, MONEY_MS, nowMs));
    const money = asksMoney ? await readMoneyLeft(this.#engine, config, nowMs) : null;
    await this.#settle(config, (marks) => dueNotices({ ...facts, money }, marks));
    // What waited for an owner and is over need not be seen any more.
    const waiting = new Set([...facts.questions, ...facts.proposals].map(({ id }) => id));
    for (const notice of await this.book.list(UNSEEN_MAX, { unseen: true }))
      if (isWaiting(notice) && !waiting.has(notice.subject ?? ''))
        await this.book.markSeen({ seq: notice.seq }, nowMs);
  }

  async #settle(config: Config, decide: Parameters<NoticeBook['settle']>[0]): Promise<void> {
    const channels = channelsOf(config);
    const { quietHours } = config.notices;
    await this.book.settle(
      decide,
      (notice) => planSends(notice, channels, quietHours, this.#minuteOfDay),
      this.#engine.now(),
    );
  }

  /** Each channel by itself: one that answers late keeps no other waiting. */
  async #send(config: Config): Promise<void> {
    for (;;) {
      const sends = await this.book.take(this.#engine.now(), LEASE_MS);
      if (sends.length === 0) return;
      const sending = this.#deliver(config, sends)
        // The channel is free for what comes behind it.
        .then(() => (this.#engine.closing.aborted ? undefined : this.#send(config)))
        .catch(() => undefined)
        .finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
  }

  async #deliver(config: Config, sends: readonly Send[]): Promise<void> {
    const { book } = this;
    const [first] = sends;
    if (first === undefined) return;
    const channel = channelsOf(config).find(({ name }) => name === first.channel);
    const needed = channel === undefined ? [] : await this.#needed(sends, channel);
    const over = sends.filter((send) => !needed.includes(send));
    if (over.length > 0) await book.done(idsOf(over), 'over', this.#engine.now());
    if (channel === undefined || needed.length === 0) return;
    const notices = needed.map(({ notice }) => notice);
    try {
      const { home, keys, closing: signal } = this.#engine;
      const secret = new ChannelSecrets(home, keys).read(channel.name);
      const message = messageOf(notices, config.ownerPage.url === 'none' ? null : config.ownerPage.url);
      // The same at each try, so that a receiver knows what it had.
      const id = `ntc_${notices.map(({ seq }) => seq).join('_')}`;
      await carry(this.#parts, config, channel, secret, message, { id, signal });
      await book.done(idsOf(needed), 'sent', this.#engine.now());
    } catch (error) {
      const nowMs = this.#engine.now();
      const fault = error instanceof NotCarried ? error.message : 'It could not be sent.';
      await book.failed(idsOf(needed), fault, nextTryMs(first.tries, first.notice.atMs, nowMs), nowMs);
    }
  }

  /** Sends that still tell something: a question that was answered tells nothing, nor does a second channel of what was seen. */
  async #needed(sends: readonly Send[], { kind }: Channel): Promise<Send[]> {
    const { ledger } = this.#engine;
    const nowMs = this.#engine.now();
    const checked = await Promise.all(
      sends.map(async (send) => {
        const { notice, isEscalation } = send;
        if (isEscalation && (await this.book.isSeen(notice.seq))) return false;
        // A program hears of everything, so that it can keep books of its own.
        if (!isWaiting(notice) || kind === 'webhook') return true;
        if (notice.kind === 'proposal')
          return (await ledger.owners.proposals(nowMs)).some(({ id }) => id === notice.subject);
        const question = await ledger.approvals.find(notice.subject ?? '');
        return question?.state === 'pending' && question.expiresMs > nowMs;
      }),
    );
    return sends.filter((_, i) => checked[i]);
  }
}

function idsOf(sends: readonly Send[]): number[] {
  return sends.map(({ id }) => id);
}

function localMinute(ms: number): number {
  const at = new Date(ms);
  return at.getHours() * 60 + at.getMinutes();
}
