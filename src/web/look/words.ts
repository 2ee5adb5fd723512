import type { Approval, ApprovalState } from '../../approvals/inbox.js';
import { hostOf } from '../../approvals/question.js';
import { formatUsd } from '../../money/decimal.js';
import type { UsdMicros } from '../../money/unit.js';

/** An amount as people read it. */
export function usd(usdMicros: UsdMicros): string {
  return `$${formatUsd(usdMicros)}`;
}

/** How an approval stands, in a few words. */
export function stateWords({ state, answer }: Pick<Approval, 'state' | 'answer'>): string {
  switch (state) {
    case 'pending':
      return 'waiting for you';
    case 'approved':
      return 'approved, not paid yet';
    case 'consumed':
      return 'approved and paid';
    case 'denied':
      return answer?.kind === 'block_host' ? 'declined, host blocked' : 'declined';
    case 'expired':
      return answer === null ? 'not answered in time' : 'approved, never paid';
  }
}

/** Whether a state reads as good, bad or neither. */
export function stateTone(state: ApprovalState): '' | 'good' | 'bad' {
  if (state === 'approved' || state === 'consumed') return 'good';
  return state === 'denied' ? 'bad' : '';
}

/** What became of a question that was answered, or that nobody answered, in a sentence or two. */
export function outcomeWords({ question, answer, state, isBlocking }: Approval): string {
  const what = `${usd(question.usdMicros)} to ${hostOf(question)}`;
  switch (answer?.kind) {
    case 'once':
      return `Approved: ${what}, once. ${sinceWords(state)}`;
    case 'session':
      return `Approved: ${what}; this session may now spend ${usd(answer.usdMicros)} in all. ${sinceWords(state)}`;
    case 'payee':
      return `Approved: ${what}, and this payee from now on. ${sinceWords(state)}`;
    case 'no':
      return `Declined: ${what}. Nothing is paid.`;
    case 'block_host':
      return isBlocking
        ? `Declined: ${what}; ${question.host} is blocked from now on. Nothing is paid.`
        : `Declined: ${what}. Nothing is paid. ${question.host} is no longer blocked.`;
    case undefined:
      return `Nobody answered in time: ${what}. Nothing is paid.`;
  }
}

/** What followed an approval. */
function sinceWords(state: ApprovalState): string {
  if (state === 'consumed') return 'It is paid.';
  return state === 'expired' ? 'The agent did not pay in time.' : 'The agent can go on.';
}

/** A stretch of time until something ends, as the page's script words it too. */
export function timeLeft(ms: number): string {
  if (ms <= 0) return 'no time left';
  return ms < 60_000 ? 'less than a minute left' : `${Math.floor(ms / 60_000)} min left`;
}

/** How long ago something was, as the page's script words it too. */
export function timeAgo(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1000))} s ago`;
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

/** A wait, in the unit that reads best. */
export function waitWords(sec: number): string {
  if (sec < 90) return `${sec} second${sec === 1 ? '' : 's'}`;
  return `${Math.ceil(sec / 60)} minutes`;
}

const CAP_WORDS: Readonly<Record<string, string>> = {
  per_call_usd: 'One call',
  per_session_usd: 'This session',
  per_day_usd: '24 hours',
  per_month_usd: '30 days',
};

/** A limit's key in words, with whose it is where it is not the whole wallet's; an unknown key stands for itself. */
export function capWords(name: string): string {
  const match = /^(?:agents\.(.+)\.)?limits\.(?:(?:hosts|categories)\.(.+)\.)?(\w+)$/.exec(name);
  const words = CAP_WORDS[match?.[3] ?? ''];
  if (words === undefined) return name;
  const whose = match?.[1] === undefined ? match?.[2] : `agent ${match[1]}`;
  return whose === undefined ? words : `${words}, ${whose}`;
}
