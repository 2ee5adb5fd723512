import { type ApprovalRecord, newApprovalId } from '../../ledger/approval.js';
import type { Choices } from '../../approvals/desk.js';
import { APPROVAL_LIFE_MS, digestOf, type CapStanding, type Question } from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { CapLine } from '../../money/cap.js';
import { callBound } from '../../policy/limits.js';
import type { Engine } from '../engine.js';
import { isSessionCap, type Judged } from '../call/judge.js';
import { agentBounds } from '../call/lineRequest.js';
import type { Challenge } from '../call/probe.js';
import type { CallRequest } from '../call/request.js';

/** A question and the answers it takes: what the ledger keeps as one text. */
export interface AskedQuestion {
  readonly question: Question;
  readonly choices: Choices;
  /** The owner's cap on this one agent that a yes would pass: a client's prompt cannot give that yes (T34). */
  readonly ownCapPassed: string | null;
}

/** What a question is made of. */
export interface QuestionParts {
  readonly request: CallRequest;
  readonly sessionId: string;
  readonly challenge: Challenge;
  readonly judged: Judged;
  readonly reason: string | null;
  readonly nowMs: number;
}

const DOLLAR = 1_000_000n;

/** Words what the owner is asked, from the decoded fields that would be signed (T18). */
export async function makeQuestion(
  engine: Engine,
  config: Config,
  parts: QuestionParts,
): Promise<AskedQuestion> {
  const { request, sessionId, challenge, judged, reason, nowMs } = parts;
  const { offer } = judged;
  const { url, method } = challenge.target;
  const standings = await standingsOf(engine, config, judged.capLines);
  const question: Question = {
    approvalId: newApprovalId(),
    agent: engine.agent,
    sessionId,
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
    why: judged.asks.map(({ owner, sentence }) => owner?.say ?? sentence).join(' '),
    caps: standings,
    paidBefore: await engine.ledger.approvals.paidBefore(url.origin),
    sellerSays: challenge.required.description ?? null,
    agentSays: reason,
    createdMs: nowMs,
    expiresMs: nowMs + APPROVAL_LIFE_MS,
  };
  const choices = { session: await sessionChoice(engine, config, judged), payee: judged.asksForPayee };
  return { question, choices, ownCapPassed: judged.ownCapPassed };
}

async function standingsOf(
  engine: Engine,
  config: Config,
  lines: readonly CapLine[],
): Promise<CapStanding[]> {
  const caps = lines.filter(({ kind }) => kind === 'cap');
  const own = agentBounds(config, engine.agent).limits;
  const perCall = callBound('limits', config.limits, engine.agent, own);
  const used = await engine.ledger.usage(caps, engine.now());
  return [
    { name: perCall.name, maxUsdMicros: perCall.usdMicrosMax, usedUsdMicros: 0n },
    ...caps.map(({ name, usdMicrosMax }, i) => ({
      name,
      maxUsdMicros: usdMicrosMax,
      usedUsdMicros: used[i] ?? 0n,
    })),
  ];
}

/** A raise of this session's cap is offered where that cap is in the way and its ceiling leaves room. */
async function sessionChoice(
  engine: Engine,
  config: Config,
  { capLines, offer }: Judged,
): Promise<Choices['session']> {
  const line = capLines.find(isSessionCap);
  if (line === undefined) return null;
  const [used = 0n] = await engine.ledger.usage([line], engine.now());
  const needed = used + offer.usdMicros;
  const max = config.ceilings.perSessionUsdMicros;
  if (needed <= line.usdMicrosMax || needed > max) return null;
  const rounded = ((needed + DOLLAR - 1n) / DOLLAR) * DOLLAR;
  return { suggestedUsdMicros: rounded < max ? rounded : max, maxUsdMicros: max };
}

interface StoredStanding {
  readonly name: string;
  readonly max: string;
  readonly used: string;
}

/** The question as text, for the ledger. */
export function writeQuestion({ question, choices, ownCapPassed }: AskedQuestion): string {
  const { amountAtomic, usdMicros, caps, ...rest } = question;
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
    ownCapPassed,
    choices: {
      payee,
      session:
        session === null ? null : [session.suggestedUsdMicros.toString(), session.maxUsdMicros.toString()],
    },
  });
}

type StoredQuestion = Omit<Question, 'amountAtomic' | 'usdMicros' | 'caps'> & {
  readonly amountAtomic: string;
  readonly usdMicros: string;
  readonly caps: readonly StoredStanding[];
  /** Absent from questions of Purser 0.1.0. */
  readonly ownCapPassed?: string | null;
  readonly choices: { readonly payee: boolean; readonly session: readonly [string, string] | null };
};

/** A question from its row; its digest is made anew and must be the stored one. */
export function readQuestion(record: Pick<ApprovalRecord, 'question' | 'digest'>): AskedQuestion {
  const stored = JSON.parse(record.question) as StoredQuestion;
  const { choices, ownCapPassed = null, amountAtomic, usdMicros, caps, ...rest } = stored;
  const question: Question = {
    ...rest,
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
  return { question, choices: { payee: choices.payee, session }, ownCapPassed };
}
