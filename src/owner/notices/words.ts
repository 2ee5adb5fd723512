import type { Notice } from '../../ledger/books/notice.js';
import type { Proposal } from '../../ledger/books/ownersAct.js';
import { formatUsd } from '../../money/decimal.js';
import { cleanLine } from '../../text/untrusted.js';

/** A seller's long name must not push what follows it off a screen. */
const HOST_CHARS_MAX = 60;
const NAME_CHARS_MAX = 60;
/** A line of a chat; all of it stands on the owner's page. */
const ACT_CHARS_MAX = 200;

type Told = Pick<Notice, 'kind' | 'agent' | 'host' | 'usdMicros' | 'subject' | 'facts'>;

/**
 * A notice as one sentence of ours: amounts, hosts in punycode, and names of the owner's. No word of a stranger is in it
 * (T16): what a client calls itself is told on the owner's own screens alone, see {@link clientWords}.
 */
export function noticeWords(notice: Told): string {
  const agent = `Agent ${cleanLine(notice.agent ?? 'default', NAME_CHARS_MAX)}`;
  const host = cleanLine(notice.host ?? 'a seller', HOST_CHARS_MAX);
  const usd = `$${formatUsd(notice.usdMicros ?? 0n)}`;
  const { subject, facts } = notice;
  switch (notice.kind) {
    case 'approval':
      return `${agent} asks you: pay ${usd} to ${host}?`;
    case 'payee_changed':
      return `${host} wants its money at another address than before. ${agent} asks you: pay ${usd} to it?`;
    case 'price_changed':
      return `${host} asks much more than it used to. ${agent} asks you: pay ${usd} to it?`;
    case 'cap':
    case 'budget':
      return boundWords(notice);
    case 'money_low':
      return `${agent} has ${usd} left in dollar tokens.`;
    case 'refill':
      return `${agent} has ${usd} left, and is not refilled: ${refillWords(facts)}`;
    case 'lost':
      return `${host} took ${usd} from ${agent.toLowerCase()} and gave nothing for it.`;
    case 'unknown':
      return `A payment of ${usd} to ${host} by ${agent.toLowerCase()} has been open for an hour: its money may still move.`;
    case 'factor': {
      const wrong = Number(facts['wrong'] ?? 1);
      const where = subject === 'page' ? 'on a page of Purser’s' : 'in a terminal';
      return `Your owner passphrase was tried ${wrong === 1 ? 'once' : `${wrong} times`} without success, ${where}.`;
    }
    case 'client':
      return `A client that is new to this wallet called it as ${agent.toLowerCase()}.`;
    case 'proposal': {
      const by = cleanLine(facts['by'] ?? '', NAME_CHARS_MAX);
      const act = cleanLine(facts['line'] ?? '', ACT_CHARS_MAX);
      return `${by} proposed as ${subject ?? ''}: ${act}. Nothing is done before another owner confirms it, on the owner’s page or in a terminal by that id.`;
    }
  }
}

/** What a new client calls itself: its own word, and never for a message. */
export function clientWords({ kind, facts }: Pick<Notice, 'kind' | 'facts'>): string | null {
  return kind === 'client' ? cleanLine(facts['client'] ?? '', NAME_CHARS_MAX) : null;
}

function refillWords({ why = '', from = '' }: Told['facts']): string {
  const source = `agent ${cleanLine(from, NAME_CHARS_MAX)}`;
  switch (why) {
    case 'day_used':
      return 'what refills may bring it in a day is used up.';
    case 'source_empty':
      return `${source} has too little for it.`;
    case 'no_facilitator':
      return `no facilitator carries it where ${source} has money.`;
    default:
      return `the facilitator and the network contradict each other about the last transfer of ${source}. Look at it in a block explorer, then send money yourself.`;
  }
}

function boundWords({ kind, subject, usdMicros, facts }: Told): string {
  const name = cleanLine(subject ?? '', 2 * NAME_CHARS_MAX);
  const percent = facts['percent'] ?? '';
  const max = `$${formatUsd(BigInt(facts['max_usd_micros'] ?? 0))}`;
  const used = `$${formatUsd(usdMicros ?? 0n)} of ${max}`;
  if (percent !== '100') return `${percent} % of ${name} is used: ${used}.`;
  const then = kind === 'budget' ? 'Nothing more is paid out of it.' : 'From here on you are asked.';
  return `${name} is used up: ${used}. ${then}`;
}

/** Whether it waits for nothing: somebody guesses at the owner's passphrase. */
export function isAlarm({ kind }: Pick<Notice, 'kind'>): boolean {
  return kind === 'factor';
}

/**
 * What a proposal would do, in one line: with what it changes, where that is one thing. An address stays out of messages, for it
 * may hold a key, and so does what is told of a seller.
 */
export function proposalLine({ what, details }: Pick<Proposal, 'what' | 'details'>): string {
  const [detail, ...others] = details;
  const isTold = detail !== undefined && others.length === 0 && !detail.includes('://');
  const told = what.replaceAll(/\S+:\/\/\S+/g, 'an address');
  return cleanLine(isTold ? `${told}: ${detail}` : told, ACT_CHARS_MAX);
}

/** Whether it waits for an owner's word, and is over without one. */
export function isWaiting(notice: Pick<Notice, 'kind'>): boolean {
  return isQuestion(notice) || notice.kind === 'proposal';
}

/** Whether it is a question, which runs out. */
export function isQuestion({ kind }: Pick<Notice, 'kind'>): boolean {
  return kind === 'approval' || kind === 'payee_changed' || kind === 'price_changed';
}
