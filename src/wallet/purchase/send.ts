import type { Config } from '../../config/settings.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { NetFailure } from '../../net/failure.js';
import type { HttpAnswer } from '../../net/send.js';
import { stillLeased } from '../leaseKeeper.js';
import { masked } from '../entitlement/mask.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';
import { headersOf, sendSigned } from '../call/sendSigned.js';

/** Sends a request with its payment, once: the head of its answer, or why there is none. */
export async function send(
  call: PaidCall,
  signed: SignedRequest,
  config: Config,
): Promise<HttpAnswer | NetFailure> {
  const { carrier } = call.context;
  // What is paid for can be shown twice, and moves nothing.
  const maySend = (): boolean => signed.moneyMoved === true || stillLeased(signed.payment.id);
  try {
    const answer =
      carrier === undefined
        ? await sendSigned(call, signed.target, headersOf(signed.payload), config, maySend)
        : await carrier.send(signed.payload, { signal: call.deadline.signal, maySend });
    return signed.moneyMoved === true ? masked(answer, secretsOf(signed.payload)) : answer;
  } catch (error) {
    if (error instanceof NetFailure) return error;
    throw error;
  }
}

/** What a seller may repeat of a credential, and no agent is to read (T38). */
function secretsOf({ value }: SignedPayload): string[] {
  const credential = value.slice(value.indexOf(' ') + 1);
  return [value, credential, ...credential.split(':')];
}
