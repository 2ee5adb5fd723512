import type { Choices } from '../../approvals/inbox.js';
import {
  APPROVAL_LIFE_MS,
  digestOf,
  type CapStanding,
  type PaidBefore,
  type Question,
} from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import { newApprovalId, type ApprovalRecord } from '../../ledger/books/approval.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Offer } from '../../payment/challenge.js';
import { perCallLimit } from '../../policy/limits.js';
import { termsOf } from '../../policy/commitment.js';
import { newDepositUsd } from '../../policy/deposit.js';
import { formatUsd } from '../../money/decimal.js';
import type { Selection } from '../../policy/selectOffer.js';
import type { LineUse } from '../../policy/totals.js';
import { agentBounds, isSessionCap, limitsOf, useOf, type CallPlace } from '../call/ownerRules.js';
import type { PaidCall } from '../call/paidCall.js';
import type { Challenge } from '../call/probe.js';
import type { Selected } from '../call/selection.js';
import { listedPrice } from '../discover/catalogAdvice.js';

/** A question and the answers it takes: what the ledger keeps as one text. */
export interface AskedQuestion {
  readonly question: Question;
  readonly choices: Choices;
  /** The owner's cap on this one agent that a yes would pass: a client's prompt cannot give that yes (T34). */
  readonly ownCapPassed: string | null;
  /** Why it is asked, as codes of the policy; none in questions of before they were kept. */
  readonly codes?: readonly string[];
}

/** A selection that asks, with what counts against each limit. */
export type AskedSelection = Selected & { readonly selection: Extract<Selection, { decision: 'ask' }> };

const DOLLAR = 1_000_000n;

/** Words what the owner is asked, from the decoded fields that would be signed (T18). */
export async function makeQuestion(
  { engine, session, config, terms, request, context }: PaidCall,
  { target, required }: Challenge,
  { selection, usage }: AskedSelection,
): Promise<AskedQuestion> {
  const { offer, reasons, asksForPayee, ownCapPassed } = selection;
  const { url, method } = target;
  const nowMs = engine.now();
  const caps = (usage ?? []).filter(({ line }) => line.kind === 'cap');
  const place = { agent: engine.agent, sessionId: session.id, url };
  const question: Question = {
    approvalId: newApprovalId(),
    agent: engine.agent,
    client: context.client ?? null,
    sessionId: session.id,
    requestHash: request.hash,
    method,
    url: url.href,
    host: url.hostname,
    network: offer.network.caip2,
    networkLabel: offer.network.label,
    asset: offer.asset.address,
    assetSymbol: offer.asset.symbol,
    payTo: offer.payTo,
    amountAtomic: offer.amountAtomic,
    usdMicros: offer.usdMicros,
    why: reasons.map(({ owner, message }) => owner?.say ?? message).join(' '),
    ...(await standingNow(engine.ledger, config, { ...place, nowMs })),
    ...(offer.commitment === undefined ? {} : { terms: termsOf(offer) }),
    ...depositOf(offer),
    ...(request.files.length === 0 ? {} : { files: request.files }),
    listed: listedPrice(engine, { url, method }, offer),
    sellerSays: required.description ?? null,
    agentSays: terms.reason ?? null,
    createdMs: nowMs,
    expiresMs: nowMs + APPROVAL_LIFE_MS,
  };
  const choices = { session: sessionChoice(config, caps, offer), payee: asksForPayee };
  return { question, choices, ownCapPassed, codes: reasons.map(({ code }) => code) };
}

/** The deposit that the owner is asked about, which their answer is bound to. */
function depositOf(offer: Offer): Pick<Question, 'deposit'> {
  const usdMicros = newDepositUsd(offer);
  if (usdMicros === null || offer.paidFrom?.kind !== 'to_make') return {};
  const { withdrawDelaySec } = offer.deposit ?? {};
  const delay = withdrawDelaySec === undefined ? {} : { delaySec: withdrawDelaySec };
  return {
    deposit: { atomic: offer.paidFrom.depositAtomic.toString(), usd: formatUsd(usdMicros), ...delay },
  };
}

/** What helps to judge a question, as it stands at this moment: the caps in its way, and what was paid there. */
export async function standingNow(
  ledger: Ledger,
  config: Config,
  place: CallPlace,
): Promise<Pick<Question, 'caps' | 'paidBefore'>> {
  const { capLines } = await limitsOf(ledger, config, place);
  const [caps, paidBefore] = await Promise.all([
    useOf(
      ledger,
      capLines.filter(({ kind }) => kind === 'cap'),
      place,
    ),
    ledger.approvals.paidBefore(place.url.origin),
  ]);
  const own = agentBounds(config, place.agent).limits;
  const perCall = perCallLimit('limits', config.limits, place.agent, own);
  const standings: CapStanding[] = caps.map(({ line, usedUsdMicros }) => ({
    name: line.name,
    maxUsdMicros: line.usdMicrosMax,
    usedUsdMicros,
  }));
  return {
    caps: [{ name: perCall.name, maxUsdMicros: perCall.usdMicrosMax, usedUsdMicros: 0n }, ...standings],
    paidBefore,
  };
}

/** A raise of this session's cap is offered where that cap is in the way and its ceiling leaves room. */
function sessionChoice(config: Config, caps: readonly LineUse[], { usdMicros }: Offer): Choices['session'] {
  const standing = caps.find(({ line }) => isSessionCap(line));
  if (standing === undefined) return null;
  const needed = standing.usedUsdMicros + usdMicros;
  const max = config.ceilings.perSessionUsdMicros;
  if (needed <= standing.line.usdMicrosMax || needed > max) return null;
  const rounded = ((needed + DOLLAR - 1n) / DOLLAR) * DOLLAR;
  return { suggestedUsdMicros: rounded < max ? rounded : max, maxUsdMicros: max };
}

interface StoredPrice {
  readonly usd: string;
  readonly payments: number;
}

interface StoredStanding {
  readonly name: string;
  readonly max: string;
  readonly used: string;
}

/** The question as text, for the ledger. */
export function writeQuestion({ question, choices, ownCapPassed, codes = [] }: AskedQuestion): string {
  const { amountAtomic, usdMicros, caps, paidBefore, ...rest } = question;
  const { session, payee } = choices;
  return JSON.stringify({
    ...rest,
    amountAtomic: amountAtomic.toString(),
    usdMicros: usdMicros.toString(),
    caps: caps.map((cap): StoredStanding => ({
      name: cap.name,
      max: cap.maxUsdMicros.toString(),
      used: cap.usedUsdMicros.toString(),
    })),
    paidBefore: {
      ...paidBefore,
      prices: paidBefore.prices.map((price): StoredPrice => ({
        usd: price.usdMicros.toString(),
        payments: price.payments,
      })),
    },
    ownCapPassed,
    codes,
    choices: {
      payee,
      session:
        session === null ? null : [session.suggestedUsdMicros.toString(), session.maxUsdMicros.toString()],
    },
  });
}

/** Fields that questions of Purser 0.1.0 lack are optional. */
type StoredQuestion = Omit<
  Question,
  'amountAtomic' | 'usdMicros' | 'caps' | 'paidBefore' | 'client' | 'listed'
> & {
  readonly amountAtomic: string;
  readonly usdMicros: string;
  readonly caps: readonly StoredStanding[];
  readonly paidBefore: Omit<PaidBefore, 'prices'> & { readonly prices?: readonly StoredPrice[] };
  readonly client?: string | null;
  readonly listed?: Question['listed'];
  readonly ownCapPassed?: string | null;
  readonly codes?: readonly string[];
  readonly choices: { readonly payee: boolean; readonly session: readonly [string, string] | null };
};

/** A question from its row; its digest is made anew and must be the stored one. */
export function readQuestion(record: Pick<ApprovalRecord, 'question' | 'digest'>): AskedQuestion {
  const stored = JSON.parse(record.question) as StoredQuestion;
  const {
    choices,
    ownCapPassed = null,
    codes = [],
    amountAtomic,
    usdMicros,
    caps,
    paidBefore,
    ...rest
  } = stored;
  const question: Question = {
    client: null,
    listed: null,
    ...rest,
    paidBefore: {
      ...paidBefore,
      prices: (paidBefore.prices ?? []).map((price) => ({
        usdMicros: BigInt(price.usd),
        payments: price.payments,
      })),
    },
    amountAtomic: BigInt(amountAtomic),
    usdMicros: BigInt(usdMicros),
    caps: caps.map(({ name, max, used }) => ({
      name,
      maxUsdMicros: BigInt(max),
      usedUsdMicros: BigInt(used),
    })),
  };
  if (digestOf(question) !== record.digest)
    throw new WalletError('approval_changed', 'The approval is not as it was asked; nothing was signed.');
  const session =
    choices.session === null
      ? null
      : { suggestedUsdMicros: BigInt(choices.session[0]), maxUsdMicros: BigInt(choices.session[1]) };
  return { question, choices: { payee: choices.payee, session }, ownCapPassed, codes };
}
