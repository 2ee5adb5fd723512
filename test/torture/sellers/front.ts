import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { readBody } from '../../../sandbox/jsonHttp.ts';
import { listenLocal, type LocalServer } from '../../../sandbox/localServer.ts';
import type { Witness } from '../exposure.js';
import { readShown } from './shown.js';

/** What may go wrong at a seller in front of which a front stands, or on the way to it. */
export const FRONT_FAULTS = [
  'drop_unpaid',
  'error_unpaid',
  /** The payment never comes to the seller. */
  'drop',
  'hang',
  'error',
  /** It does, and the answer is lost. */
  'drop_after',
  'hang_after',
  'error_after',
  'cut_after',
  /** The seller is asked long after it was paid: soon, at the last moment, or never. */
  'settles_later',
] as const;
/** A wallet pauses a seller that does this (T12). */
export const ESTRANGING_FAULT = 'asks_again';
export type FrontFault = (typeof FRONT_FAULTS)[number] | typeof ESTRANGING_FAULT;

/** A payment that is put before its seller later. */
export interface Postponed {
  readonly nonce: string;
  settle(): Promise<void>;
}

/** A seller's front: every request passes through it, to whichever of the sellers its path begins with the name of. */
export interface Front extends LocalServer {
  /** Payments that came and were put off, oldest first. */
  readonly postponed: readonly Postponed[];
  /** Faults that requests met, by name. */
  readonly faults: ReadonlyMap<string, number>;
}

interface Passed {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length'];

/**
 * Starts a front. `?fault=` names what goes wrong for the first `?times=` requests of its kind, one unless it says otherwise;
 * the witness sees each payment before anything else does.
 */
export async function startFront(
  sellers: Readonly<Record<string, string>>,
  witness: Witness,
  now: () => number,
): Promise<Front> {
  const postponed: Postponed[] = [];
  const faults = new Map<string, number>();
  const met = new Map<string, number>();

  function faultOf({ url }: Asked, isPaid: boolean): FrontFault | null {
    const fault = url.searchParams.get('fault') as FrontFault | null;
    if (fault === null || fault.endsWith('_unpaid') === isPaid) return null;
    const key = `${url.pathname}${url.search}`;
    const times = met.get(key) ?? 0;
    if (times >= Number(url.searchParams.get('times') ?? 1)) return null;
    met.set(key, times + 1);
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
    return fault;
  }

  async function pass({ method, url, headers, body }: Asked): Promise<Passed> {
    const [, name = '', ...rest] = url.pathname.split('/');
    const target = new URL(`/${rest.join('/')}${url.search}`, sellers[name]);
    return new Promise((resolve, reject) => {
      const sent = request(target, { method, headers: { ...headers, connection: 'close' }, agent: false });
      sent.on('error', reject);
      sent.on('response', (answer: IncomingMessage) => {
        readBody(answer).then(
          (read) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: read }),
          reject,
        );
      });
      sent.end(body);
    });
  }

  async function serve(asked: Asked, response: ServerResponse): Promise<void> {
    const shown = readShown(asked.headers);
    if (shown !== null) witness.note(shown, asked.url.searchParams.get('id') ?? '');
    const fault = faultOf(asked, shown !== null || asked.headers.authorization !== undefined);
    switch (fault) {
      case 'drop_unpaid':
      case 'drop':
        return void response.destroy();
      case 'hang':
        return;
      case 'error_unpaid':
      case 'error':
        return void response.writeHead(503).end('not now');
      case 'settles_later':
        if (shown !== null)
          postponed.push({ nonce: shown.nonce, settle: async () => void (await pass(asked)) });
        return void response.destroy();
      default:
    }
    const passed = await pass(asked);
    if (fault === 'drop_after') return void response.destroy();
    if (fault === 'hang_after') return;
    if (fault === 'error_after') return void response.writeHead(500).end('lost it');
    const told = fault === ESTRANGING_FAULT ? await pass(withoutPayment(asked)) : passed;
    for (const [name, value] of Object.entries(told.headers))
      if (value !== undefined && !HOP_BY_HOP.includes(name)) response.setHeader(name, value);
    response.writeHead(told.status);
    if (fault !== 'cut_after') return void response.end(told.body);
    response.write(told.body.subarray(0, told.body.length >> 1));
    await delay(1);
    response.destroy();
  }

  const server = await listenLocal((incoming, outgoing) => {
    readBody(incoming)
      .then((body) => {
        const url = new URL(incoming.url ?? '/', 'http://front.invalid');
        return serve({ method: incoming.method ?? 'GET', url, headers: incoming.headers, body }, outgoing);
      })
      .catch(() => outgoing.destroy());
  }, now);
  return { ...server, postponed, faults };
}

function withoutPayment({ headers, ...asked }: Asked): Asked {
  const {
    authorization: _authorization,
    'payment-authorization': _other,
    'payment-signature': _signature,
    ...rest
  } = headers;
  return { ...asked, headers: rest };
}
