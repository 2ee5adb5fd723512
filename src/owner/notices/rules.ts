import type { NewNotice, NoticeKind, Settled } from '../../ledger/books/notice.js';
import type { UsdMicros } from '../../money/unit.js';
import type {
  BoundUse,
  ClientSeen,
  NoticeFacts,
  RefillSeen,
  WaitingProposal,
  WaitingQuestion,
  WrongPassphrases,
} from './facts.js';

/** The parts of a bound that are told when they are used up, in hundredths, the highest first. */
const LEVELS = [100, 80, 50] as const;
/**
 * A level is told anew only once the use had fallen so far below it, in hundredths: windows roll, so that an agent which
 * spends evenly goes up and down past a level all day.
 */
const REARM_PERCENT = 10;
/** A payment whose end is not known after this is told of: most end by themselves within minutes. */
export const UNKNOWN_AFTER_MS = 3_600_000;
/** A try is counted as wrong before it is made, and a right one takes it back: it is told of only after this. */
const TRY_MS = 10_000;
/**
 * Clients of one agent that are told of: a program that takes another name for each call must not flood its owner (T19), nor
 * keep the owner from hearing who calls as another agent.
 */
const CLIENTS_MAX = 20;

const CAP = 'cap ';
const MONEY = 'money ';
const TRIES = 'tries ';
const CLIENT = 'client ';
const REFILL = 'refill ';

type Marks = ReadonlyMap<string, string>;

/**
 * What the owner is to be told now, given what was told before. Decides by its arguments alone, so that it can run again in
 * each process that looks: an occasion names what it is told of, and marks hold how far what goes up and down had gone.
 */
export function dueNotices(facts: NoticeFacts, marks: Marks): Settled {
  const parts: Settled[] = [
    ...facts.bounds.map((bound) => boundNotices(bound, marks, facts.nowMs)),
    ...facts.factorTries.map((tries) => triesNotices(tries, marks, facts.nowMs)),
    moneyNotices(facts, marks),
    only(facts.questions.map(questionNotice)),
    only(facts.proposals.map(proposalNotice)),
    only(
      facts.lost.map((payment) =>
        // One seller is told of once a day: it must not be able to flood the owner (T19).
        noticeOf('lost', `lost ${payment.host} ${dayOf(payment.sinceMs)}`, {
          ...payment,
          subject: payment.id,
        }),
      ),
    ),
    only(
      facts.unknown
        .filter(({ sinceMs }) => facts.nowMs - sinceMs >= UNKNOWN_AFTER_MS)
        .map((payment) => noticeOf('unknown', `unknown ${payment.id}`, { ...payment, subject: payment.id })),
    ),
    { notices: [], marks: forgotten(facts, marks) },
  ];
  return {
    notices: parts.flatMap(({ notices }) => notices),
    marks: new Map(parts.flatMap(({ marks: changed }) => [...changed])),
  };
}

/** What the owner is told of a client that calls, where it never did. */
export function clientNotices({ agent, client }: ClientSeen, marks: Marks, nowMs: number): Settled {
  const ofAgent = `${CLIENT}${agent} `;
  const key = ofAgent + client;
  const known = [...marks.keys()].filter((one) => one.startsWith(ofAgent)).length;
  if (marks.has(key) || known >= CLIENTS_MAX) return only([]);
  return {
    notices: [noticeOf('client', key, { agent, facts: { client } })],
    marks: new Map([[key, String(nowMs)]]),
  };
}

/**
 * What the owner is told of an agent that is not refilled: once for each reason, however many agents wait for the same
 * money, until a refill arrives again.
 */
export function refillNotices(seen: RefillSeen, marks: Marks, nowMs: number): Settled {
  const { agent, from, why, leftUsdMicros } = seen;
  const ofAgent = `${REFILL}to ${agent} `;
  const ofSource = `${REFILL}from ${from} `;
  if (why === null) {
    const over = [...marks.keys()].filter((key) => key.startsWith(ofAgent) || key.startsWith(ofSource));
    return { notices: [], marks: new Map(over.map((key) => [key, null])) };
  }
  const key = `${why === 'day_used' ? ofAgent : ofSource}${why}`;
  if (marks.has(key)) return only([]);
  const facts = { why, from };
  return {
    notices: [
      noticeOf('refill', `${key} ${nowMs}`, { agent, usdMicros: leftUsdMicros, subject: agent, facts }),
    ],
    marks: new Map([[key, String(nowMs)]]),
  };
}

function boundNotices(bound: BoundUse, marks: Marks, nowMs: number): Settled {
  const key = markOf(bound);
  const told = Number(marks.get(key) ?? 0);
  const percent = percentOf(bound);
  const level = LEVELS.find((one) => percent >= one) ?? 0;
  if (level > told) {
    const { name, agent, host, kind, usedUsdMicros, maxUsdMicros } = bound;
    const facts = { percent: String(level), max_usd_micros: maxUsdMicros.toString() };
    const notice = { agent, host, usdMicros: usedUsdMicros, subject: name, facts };
    // The time makes it another occasion than the last one of this level.
    return {
      notices: [noticeOf(kind, `${key} ${level} ${nowMs}`, notice)],
      marks: new Map([[key, String(level)]]),
    };
  }
  // What is told again later is every level that the use has left behind by some way.
  const stays = LEVELS.find((one) => one <= told && percent >= one - REARM_PERCENT) ?? 0;
  return {
    notices: [],
    marks: stays === told ? new Map() : new Map([[key, stays === 0 ? null : String(stays)]]),
  };
}

/** A bound of nothing is used up from the start, and nobody need be told. */
function percentOf({ usedUsdMicros, maxUsdMicros }: BoundUse): number {
  if (maxUsdMicros === 0n) return 0;
  const percent = (usedUsdMicros * 100n) / maxUsdMicros;
  return percent > 1_000n ? 1_000 : Number(percent);
}

function markOf({ name, sessionId }: BoundUse): string {
  return `${CAP}${name}${sessionId === null ? '' : ` ${sessionId}`}`;
}

/** Marks of bounds that are there no more, such as those of sessions that ended. */
function forgotten({ bounds }: NoticeFacts, marks: Marks): Map<string, null> {
  const known = new Set(bounds.map(markOf));
  return new Map(
    [...marks.keys()].flatMap((key) => (key.startsWith(CAP) && !known.has(key) ? [[key, null]] : [])),
  );
}

/** Told at the first wrong try, and each time that there are twice as many: a guesser makes no flood of them. */
function triesNotices({ place, wrong, lastWrongMs }: WrongPassphrases, marks: Marks, nowMs: number): Settled {
  const key = `${TRIES}${place}`;
  const told = Number(marks.get(key) ?? 0);
  if (wrong === 0) return { notices: [], marks: told === 0 ? new Map() : new Map([[key, null]]) };
  const isUnderWay = Math.abs(nowMs - lastWrongMs) < TRY_MS;
  if (isUnderWay || (told > 0 && wrong >= told && wrong < 2 * told)) return only([]);
  return {
    notices: [
      noticeOf('factor', `${key} ${wrong} ${lastWrongMs}`, {
        subject: place,
        facts: { wrong: String(wrong) },
      }),
    ],
    marks: new Map([[key, String(wrong)]]),
  };
}

function moneyNotices({ money, lowUsdMicros, nowMs }: NoticeFacts, marks: Marks): Settled {
  const parts = (money ?? []).map(({ agent, leftUsdMicros }): Settled => {
    const key = `${MONEY}${agent}`;
    const isLow = leftUsdMicros < lowUsdMicros;
    if (isLow === marks.has(key)) return only([]);
    if (!isLow) return { notices: [], marks: new Map([[key, null]]) };
    return {
      notices: [noticeOf('money_low', `${key} ${nowMs}`, { agent, usdMicros: leftUsdMicros })],
      marks: new Map([[key, 'low']]),
    };
  });
  return {
    notices: parts.flatMap(({ notices }) => notices),
    marks: new Map(parts.flatMap(({ marks: changed }) => [...changed])),
  };
}

function questionNotice({ id, agent, host, usdMicros, expiresMs, codes }: WaitingQuestion): NewNotice {
  const kind = codes.includes('payee_changed')
    ? 'payee_changed'
    : codes.includes('price_jumped')
      ? 'price_changed'
      : 'approval';
  return noticeOf(kind, `question ${id}`, {
    ...{ agent, host, usdMicros, subject: id, facts: { expires_ms: String(expiresMs) } },
  });
}

function proposalNotice({ id, by, line, expiresMs }: WaitingProposal): NewNotice {
  const facts = { by, line, expires_ms: String(expiresMs) };
  return noticeOf('proposal', `proposal ${id}`, { subject: id, facts });
}

function only(notices: readonly NewNotice[]): Settled {
  return { notices, marks: new Map() };
}

function noticeOf(
  kind: NoticeKind,
  occasion: string,
  {
    agent = null,
    host = null,
    usdMicros = null,
    subject = null,
    facts = {},
  }: {
    readonly agent?: string | null;
    readonly host?: string | null;
    readonly usdMicros?: UsdMicros | null;
    readonly subject?: string | null;
    readonly facts?: Readonly<Record<string, string>>;
  },
): NewNotice {
  return { kind, occasion, agent, host, usdMicros, subject, facts };
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
