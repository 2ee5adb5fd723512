import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/settings.js';
import type { HeaderList } from '../../net/headers.js';
import { NetFailure } from '../../net/failure.js';
import { isWalletError } from '../../errors/walletError.js';
import { judgeDelivery, type Delivered, type Job } from '../answer/delivery.js';
import type { ReadAnswer } from '../answer/answerBody.js';
import type { Engine } from '../engine.js';
import { callByEntitlement } from '../entitlement/owned.js';
import { TIMEOUT_MAX_MS } from '../input.js';
import { CallDeadline, type CallContext } from './callDeadline.js';
import { judgePlace } from './ownerRules.js';
import { probe } from './probe.js';
import { parseRequest } from './request.js';

/** A job is asked about no less often than this: a seller that says "in an hour" may be done in a minute. */
const ASK_EVERY_SEC_MAX = 15;
/** One look at a job, and no more of the wait than that. */
const LOOK_MS_MAX = 20_000;

/** The result of a job, and where it came from. */
export interface JobResult {
  readonly read: ReadAnswer;
  readonly url: URL;
  readonly delivered: Delivered;
}

/** What a job is asked for with. */
export interface JobCall {
  readonly engine: Engine;
  readonly config: Config;
  readonly context: CallContext;
  /** The place that named the job, and the caller's headers: they go to no other origin (T9). */
  readonly target: URL;
  readonly headers: HeaderList;
}

/**
 * Asks for the result of a job until it is there, by GET and without a payment; null where it is not there when the wait
 * is over, or where asking for it costs.
 */
export async function awaitJob(call: JobCall, job: Job, waitSec: number): Promise<JobResult | null> {
  const { engine, config, context } = call;
  const { startedMs = performance.now() } = context;
  const endsAt = Math.min(performance.now() + waitSec * 1000, startedMs + TIMEOUT_MAX_MS);
  let { url, afterSec } = job;
  while (url !== null) {
    const waitMs = Math.min(afterSec, ASK_EVERY_SEC_MAX) * 1000;
    if (performance.now() + waitMs >= endsAt || context.signal.aborted) return null;
    context.progress?.(`The result is not ready yet; asking again in ${waitMs / 1000} s.`);
    await delay(waitMs, undefined, { signal: context.signal }).catch(() => undefined);
    const place: URL = url;
    const lookMs = Math.max(1, Math.min(LOOK_MS_MAX, endsAt - performance.now()));
    const read = await lookAt(call, place, new CallDeadline(lookMs, { signal: context.signal }));
    if (read === 'priced') return null;
    if (read === null) continue;
    const delivered = judgeDelivery(read, place, { isJob: true });
    if (delivered.job === null) return { read, url: place, delivered };
    url = delivered.job.url ?? place;
    ({ afterSec } = delivered.job);
  }
  return null;

  async function lookAt({ target, headers }: JobCall, place: URL, deadline: CallDeadline) {
    const own = place.origin === target.origin ? headers : [];
    const kept = own.filter(([name]) => !name.startsWith('content-'));
    try {
      if (judgePlace(config, place).verdict !== 'allow') return 'priced';
      const input = { url: place.href, headers: Object.fromEntries(kept) };
      const request = parseRequest(input, engine, config.net.allowPrivate);
      const target = { url: place, method: request.method };
      const quiet = { signal: context.signal };
      // Some jobs are shown to whoever has the token that was sold with them.
      const owned = await callByEntitlement({ engine, config, request, deadline, context: quiet }, target, {
        isFree: true,
      });
      if (owned.kind === 'served') return owned.read;
      const probed = await probe(engine, config, request, deadline, quiet);
      return probed.kind === 'priced' ? 'priced' : probed.read;
    } catch (error) {
      // A look that failed is made again; a place that may not be called is not looked at.
      if (error instanceof NetFailure) return null;
      if (isWalletError(error)) return 'priced';
      throw error;
    }
  }
}
