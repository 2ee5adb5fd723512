import { WalletError } from '../errors/walletError.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import type { Session } from '../ledger/books/session.js';
import { parseUsd } from '../money/decimal.js';
import { outcome, type Outcome } from './answer/outcome.js';
import { failureOutcome } from './answer/refusal.js';
import type { CallContext } from './call/callDeadline.js';
import type { Engine } from './engine.js';
import { parseInput, quoteInput, type QuoteInput } from './input.js';
import { quote } from './quote.js';

/** One of several quotes: what is ours of its result, and beside it what its seller wrote. */
export interface SideQuote {
  /** Its place among the requests, from 0 on. */
  readonly index: number;
  readonly tell_owner?: OwnerStep;
  readonly seller: Readonly<Record<string, unknown>> | null;
  readonly [field: string]: unknown;
}

/** Fields of a quote that a seller wrote. */
const SELLERS: readonly string[] = [
  'seller_description',
  'seller_says',
  'other_protocols',
  'redirected_to',
  'response',
];
/** Fields of every result that say nothing of one of several quotes: none of them moves money. */
const WHOLE: readonly string[] = ['money', 'spent_usd', 'session_left_usd', 'payment', 'next', 'untrusted'];

/**
 * Quotes several requests side by side: what is cheapest to get comes first, what could not be quoted last. Each is a
 * call of its own; what becomes of one changes nothing for the others.
 *
 * Throws `bad_input` where another request is given beside the list.
 */
export async function quoteMany(
  engine: Engine,
  session: Pick<Session, 'id'>,
  { requests = [], timeout_ms, ...others }: QuoteInput,
  context: CallContext,
): Promise<Outcome> {
  const [beside] = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (beside !== undefined)
    throw new WalletError(
      'bad_input',
      `${beside} and requests are given both; ${beside} belongs into a request.`,
    );
  const results = await Promise.all(requests.map((request) => quoteOne(request)));
  const ranked = results
    .map((result, index) => ({ result, index }))
    .sort((a, b) => compare(a.result, b.result));
  const quoted = ranked.filter(({ result }) => result.code === 'quoted');
  const best = quoted.find(({ result }) => result.next !== null);
  const failed = ranked.filter(({ result }) => result.status !== 'ok');
  const [first] = ranked;
  if (first === undefined || failed.length === ranked.length)
    return noneOutcome(first?.result, ranked.map(view));
  return outcome({
    status: 'ok',
    code: quoted.length > 0 ? 'quoted' : 'not_priced',
    message: [
      `${quoted.length} of ${results.length} requests have a price`,
      ...(best === undefined
        ? []
        : [`; the cheapest that can be paid is index ${best.index}, at $${String(best.result['usd'])}`]),
      `. Nothing is paid yet${failed.length === 0 ? '' : `; ${failed.length} failed, see each`}.`,
    ].join(''),
    next: best?.result.next ?? null,
    quotes: ranked.map(view),
  });

  async function quoteOne(request: unknown): Promise<Outcome> {
    try {
      const asked = parseInput(quoteInput, request);
      if (asked.requests !== undefined)
        throw new WalletError('bad_input', 'A request holds no requests of its own.');
      return await quote(engine, session, { timeout_ms, ...asked }, context);
    } catch (error) {
      return failureOutcome(error);
    }
  }

  function view({ result, index }: { readonly result: Outcome; readonly index: number }): SideQuote {
    const given = requests[index] as { readonly url?: unknown } | null;
    const fields = Object.entries(result).filter(
      ([name, value]) => value !== null && value !== undefined && !WHOLE.includes(name),
    );
    const ours = fields.filter(
      ([name, value]) => !SELLERS.includes(name) && !(name === 'retry' && value === 'never'),
    );
    const theirs = fields.filter(([name]) => SELLERS.includes(name));
    return {
      index,
      url: typeof given?.url === 'string' ? given.url : null,
      ...Object.fromEntries(ours),
      seller: theirs.length === 0 ? null : Object.fromEntries(theirs),
    };
  }
}

/** What has an answer for nothing first, then by price, then what has no price; else in the order of the requests. */
function compare(one: Outcome, other: Outcome): number {
  const [a, b] = [one, other].map((result) =>
    result.code === 'quoted' ? parseUsd(String(result['usd']), 'usd') : result.status === 'ok' ? 0n : null,
  );
  if (a === b || a === undefined || b === undefined) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}

/** The outcome where no request could be quoted: it is told by the first one's fault. */
function noneOutcome(first: Outcome | undefined, quotes: readonly SideQuote[]): Outcome {
  const { status, code, retry } =
    first ?? failureOutcome(new WalletError('bad_input', 'There is no request.'));
  return outcome({
    status,
    code,
    retry,
    message: 'None of the requests could be quoted; see each for its reason.',
    quotes,
  });
}
