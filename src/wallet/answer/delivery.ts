import type { Delivery } from '../../ledger/attempts/payment.js';
import type { HeaderList } from '../../net/headers.js';
import { headerValue } from '../../net/headers.js';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../../text/json.js';
import { breaksPromise } from '../../discovery/readers/outputShape.js';
import { decodeAnswer } from './answerText.js';
import { retryAfterSec } from './retryAfter.js';

/** An answer as far as its delivery is judged by it. */
export interface JudgedAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  /** The body where it is small; null where it is in a file, and then long enough to be something. */
  readonly body: Uint8Array | null;
  readonly bytes: number;
  /** Whether it broke off. */
  readonly truncated: boolean;
}

/** A result that is still to come, and where. */
export interface Job {
  /** Where to ask for it; null where the seller names no place. */
  readonly url: URL | null;
  /** When to ask, seconds from now, within bounds; 0 where the result is there already. */
  readonly afterSec: number;
}

/** What became of a delivery, and of a pending one where its result will be. */
export interface Delivered {
  readonly verdict: Delivery;
  readonly job: Job | null;
}

/** How soon a job is asked about that does not say when. */
const ASK_AFTER_SEC = 5;

/** Words for work that is not done, as job APIs write them, in lower case with `_` between. */
const PENDING_WORDS: readonly string[] = [
  ...[
    'accepted',
    'created',
    'enqueued',
    'generating',
    'in_progress',
    'in_queue',
    'initializing',
    'not_started',
  ],
  ...[
    'pending',
    'processing',
    'queued',
    'running',
    'scheduled',
    'started',
    'starting',
    'submitted',
    'waiting',
  ],
];
/** Words for work that ended without a result. */
const FAILED_WORDS: readonly string[] = [
  'failed',
  'failure',
  'error',
  'errored',
  'cancelled',
  'canceled',
  'expired',
  'timed_out',
];
/** Fields that hold such a word. */
const STATE_FIELDS: readonly string[] = ['status', 'state', 'job_status', 'jobStatus'];
/** Fields of a JSON answer that name where its result will be, the plainest first. */
const PLACE_FIELDS: readonly string[] = [
  ...['status_url', 'statusUrl', 'polling_url', 'pollingUrl', 'poll_url', 'pollUrl', 'check_url', 'checkUrl'],
  ...['result_url', 'resultUrl', 'response_url', 'status_uri', 'statusUri', 'self', 'href', 'get', 'status'],
];
/** Objects in which such a field may stand one level down. */
const PLACE_HOLDERS: readonly string[] = ['urls', 'links', '_links', 'job', 'data'];
/** An answer that has nothing but these beside its error is nothing else. */
const ERROR_FIELDS: readonly string[] = [
  ...['error', 'errors', 'message', 'code', 'status', 'success', 'ok', 'detail', 'details', 'request_id'],
];

/** What is known of an answer before it comes. */
export interface Expected {
  /** It is of a place where a job was to be asked for, so that a word alone says it is not done. */
  readonly isJob?: boolean;
  /** Looks up what listings say of it; looked at only where the answer is JSON, and otherwise as it should be. */
  readonly promised?: () => readonly JsonValue[];
}

/** Judges what an answer delivered. `url` is where it came from; a place in it is completed by that one. */
export function judgeDelivery(
  answer: JudgedAnswer,
  url: URL,
  { isJob = false, promised }: Expected = {},
): Delivered {
  const { status, headers, body, bytes, truncated } = answer;
  const job = (place: string | undefined, afterSec = ASK_AFTER_SEC): Delivered => ({
    verdict: 'pending',
    job: { url: placeOf(place, url), afterSec: retryAfterSec(headers) ?? afterSec },
  });
  const location = headerValue(headers, 'location') ?? headerValue(headers, 'operation-location');
  if (status >= 300 && status < 400) return location === undefined ? is('error') : job(location, 0);
  if (status >= 400) return is('error');
  if (truncated) return is('lost');
  const value = body === null ? undefined : parseJson(decodeAnswer(headers, body));
  const object = isJsonObject(value) ? value : undefined;
  const named = object === undefined ? undefined : placeIn(object);
  if (status === 202) return job(location ?? named);
  if (isJob && object !== undefined && hasWord(object, FAILED_WORDS)) return is('error');
  if (
    object !== undefined &&
    hasWord(object, PENDING_WORDS) &&
    (isJob || location !== undefined || named !== undefined)
  )
    return job(location ?? named);
  if (bytes === 0) return is(status === 204 || status === 205 ? 'delivered' : 'empty');
  if (object !== undefined && isErrorAlone(object)) return is('error');
  return is(value !== undefined && isBroken(promised?.() ?? [], value) ? 'schema_mismatch' : 'delivered');
}

/** One listing that agrees is enough: a lie in another must not cast doubt on an honest answer (T17). */
function isBroken(promised: readonly JsonValue[], value: JsonValue): boolean {
  return promised.length > 0 && promised.every((output) => breaksPromise(output, value));
}

function is(verdict: Delivery): Delivered {
  return { verdict, job: null };
}

function hasWord(object: JsonObject, words: readonly string[]): boolean {
  return STATE_FIELDS.some((name) => {
    const word = object[name];
    return typeof word === 'string' && words.includes(word.toLowerCase().replace(/[\s-]/g, '_'));
  });
}

function placeIn(object: JsonObject): string | undefined {
  const holders = [object, ...PLACE_HOLDERS.map((name) => object[name])].filter(isJsonObject);
  for (const holder of holders) {
    for (const name of PLACE_FIELDS) {
      const place = textOf(holder[name]);
      if (place !== undefined && /^(https?:\/)?\//.test(place)) return place;
    }
  }
  return undefined;
}

/** A place as text, or as HAL writes it: `{"href": …}`. */
function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  const href = isJsonObject(value) ? value['href'] : undefined;
  return typeof href === 'string' ? href : undefined;
}

function placeOf(place: string | undefined, base: URL): URL | null {
  const url = place === undefined ? null : URL.parse(place, base.href);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') ? url : null;
}

/** Whether an object says that it failed, and holds nothing else. */
function isErrorAlone(object: JsonObject): boolean {
  const { error } = object;
  const failed =
    (error !== undefined && error !== null && error !== false && error !== '') || object['success'] === false;
  return failed && Object.keys(object).every((name) => ERROR_FIELDS.includes(name));
}
