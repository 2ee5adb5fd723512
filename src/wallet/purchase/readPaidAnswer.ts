import { setImmediate } from 'node:timers/promises';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { HttpAnswer } from '../../net/send.js';
import { readAnswer, type ReadAnswer } from '../answer/answerBody.js';
import { decodeAnswer } from '../answer/answerText.js';
import { keepAnswer } from '../answer/answerFiles.js';
import { judgeDelivery, type Delivered } from '../answer/delivery.js';
import { promisedOutputs } from '../discover/catalogAdvice.js';
import { remember } from '../entitlement/entitlement.js';
import { readIssued } from '../entitlement/issued.js';
import { withoutIssuedToken } from '../entitlement/issuedListener.js';
import { rememberJob } from '../entitlement/job.js';
import { recordClaim } from '../settle/claim.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';

/** An answer to a payment, read and kept, and its payment as the claim in the answer's head left it. */
export type PaidAnswer = { readonly claimed: Payment } & (
  | {
      readonly read: ReadAnswer;
      readonly delivered: Delivered;
      /** What the seller issued for later calls; null where it issued nothing. */
      readonly bought: Entitlement | null;
      /** Why the seller says that it turned the payment away in verifying it; null where it says otherwise. */
      readonly rejection: string | null;
      /** The seller's own words on why it is not content; null where it has none. */
      readonly sellerSays: string | null;
      readonly fault?: never;
    }
  /** A fault of this machine: the answer is lost, and what became of the money is known all the same. */
  | {
      readonly read: null;
      readonly delivered?: never;
      readonly bought?: never;
      readonly rejection: null;
      readonly sellerSays: null;
      readonly fault: unknown;
    }
);

/** Reads the answer to a payment, writes down what its head claims, and keeps what was bought. */
export async function readPaidAnswer(
  { engine, context }: PaidCall,
  { payment, target, isAhead }: SignedRequest,
  answer: HttpAnswer,
): Promise<PaidAnswer> {
  const receipt = engine.rails.readReceipt(answer.headers);
  // A demand for payment that another payment may answer is nothing that the caller's program is to hear.
  const { answer: _listener, ...quiet } = context;
  const heard = isAhead === true && answer.status === 402 ? quiet : withoutIssuedToken(context);
  const reading = readAnswer(engine, answer, heard, payment);
  // A small answer has come with its head, and then both are written in one commit; the claim waits for no more than
  // what is there, for a body can take as long as the seller likes.
  const arrived = await Promise.race([reading.catch(() => null), setImmediate(null)]);
  const judge = (whole: ReadAnswer): Delivered =>
    judgeDelivery(whole, target.url, { promised: () => promisedOutputs(engine, target) });
  const early = arrived === null ? null : judge(arrived);
  const recorded = recordClaim(engine, payment, answer.status, receipt, early?.verdict);
  // A rejection is awaited below; until then it must not count as unhandled.
  recorded.catch(() => undefined);
  let read: ReadAnswer;
  try {
    read = arrived ?? (await reading);
  } catch (fault) {
    return { claimed: await recorded, read: null, rejection: null, sellerSays: null, fault };
  }
  const delivered = early ?? judge(read);
  const issued = readIssued({ target, paymentId: payment.id, nowMs: engine.now() }, read);
  const isHttp = context.carrier === undefined;
  const bought = issued.bought === null || !isHttp ? null : remember(engine, issued.bought);
  const job = delivered.job === null || !isHttp ? null : rememberJob(engine, payment, delivered.job);
  const saved = keepAnswer(engine, payment, issued.read, delivered.verdict);
  for (const kept of [bought, job]) kept?.catch(() => undefined);
  // Where both fail, the first is thrown; the other must not count as unhandled either.
  saved.catch(() => undefined);
  const claimed = await recorded;
  await saved;
  await job;
  const bodyText = read.body === null ? '' : decodeAnswer(answer.headers, read.body);
  const { status, headers } = answer;
  return {
    claimed,
    read: issued.read,
    delivered,
    bought: await bought,
    rejection: status < 400 ? null : engine.rails.readRejection(headers, bodyText),
    sellerSays: engine.rails.readSays({ status, headers, bodyText, requestUrl: target.url.href }),
  };
}
