import type { Network } from '../money/network.js';
import { readBody } from '../net/body.js';
import { NetFailure } from '../net/failure.js';
import { parseCallUrl } from '../net/destination/url.js';
import {
  readSettleAnswer,
  readSupported,
  settleBody,
  type Settlement,
} from '../protocols/x402/facilitator.js';
import type { RailPorts } from './ports.js';
import type { Submission, FacilitatorMethod } from './withdrawal.js';

/** Whether a facilitator is there shows at once; a silent one is no way out. */
const LOOK_MS_MAX = 5_000;
/** A facilitator answers when its transaction is mined. */
const SETTLE_MS_MAX = 45_000;
const CONNECT_MS_MAX = 5_000;
/** A list of what it supports may be long; nothing else it says is. */
const ANSWER_BYTES_MAX = 512 * 1024;

interface Asked {
  readonly status: number;
  readonly text: string;
}

async function ask(
  ports: RailPorts,
  url: string,
  body: string | null,
  { wholeMs, signal }: { readonly wholeMs: number; readonly signal: AbortSignal },
): Promise<Asked> {
  const answer = await ports.net.send(
    {
      method: body === null ? 'GET' : 'POST',
      url: parseCallUrl(url, { allowPrivate: ports.config.net.allowPrivate }),
      headers: body === null ? [] : [['content-type', 'application/json']],
      ...(body === null ? {} : { body: new TextEncoder().encode(body) }),
    },
    {
      deadline: { connectMs: CONNECT_MS_MAX, firstByteMs: wholeMs, wholeMs },
      signal,
      redirects: 'return',
      bodyBytesMax: ANSWER_BYTES_MAX,
    },
  );
  const { bytes } = await readBody(answer, { bytesMax: ANSWER_BYTES_MAX });
  return { status: answer.status, text: new TextDecoder().decode(bytes) };
}

function endpoint(base: string, name: string): string {
  return `${base.replace(/\/+$/, '')}/${name}`;
}

/** The owner's facilitator where it settles on a network, or one sentence on why it is no way. */
export async function facilitatorWay(
  ports: RailPorts,
  network: Network,
  signal: AbortSignal,
): Promise<FacilitatorMethod | string> {
  const { facilitatorUrl: url } = ports.config.withdrawals;
  if (url === 'none') return 'No facilitator is set (withdrawals.facilitator_url).';
  const { host } = new URL(url);
  try {
    const { text } = await ask(ports, endpoint(url, 'supported'), null, {
      wholeMs: LOOK_MS_MAX,
      signal,
    });
    const supported = readSupported(text, network);
    return supported === null
      ? `The facilitator ${host} does not settle on ${network.label}.`
      : { kind: 'facilitator', url, ...supported };
  } catch (error) {
    if (!(error instanceof NetFailure)) throw error;
    return `The facilitator ${host} cannot be used: ${error.shortMessage}`;
  }
}

/** Has a facilitator settle what was signed. Whatever it says is a claim; it can only pay the owner's address, or not. */
export async function settleThrough(
  ports: RailPorts,
  way: FacilitatorMethod,
  settlement: Settlement,
  signal: AbortSignal,
): Promise<Submission> {
  const { host } = new URL(way.url);
  try {
    const { status, text } = await ask(
      ports,
      endpoint(way.url, 'settle'),
      settleBody(way.version, settlement),
      { wholeMs: SETTLE_MS_MAX, signal },
    );
    const receipt = readSettleAnswer(text);
    const tx = receipt?.transaction ?? null;
    // A transaction beside `success: false` is `settlement_pending`: not an end.
    if (receipt?.success === true || tx !== null)
      return {
        kind: 'taken',
        tx,
        message: `The facilitator ${host} took it${tx === null ? '' : ` (${tx})`}.`,
      };
    const why = receipt?.errorReason ?? `HTTP ${status}`;
    return { kind: 'refused', message: `The facilitator ${host} says that it did not settle it (${why}).` };
  } catch (error) {
    if (!(error instanceof NetFailure)) throw error;
    const kind = error.bytesLeft ? 'silent' : 'refused';
    return { kind, message: `The facilitator ${host} gave no answer: ${error.shortMessage}` };
  }
}
