import type { EndpointAnswer } from '../../payment/challenge.js';
import { readInvoice, type Invoice } from './invoice.js';

/** Challenges read of one answer; servers send one, or the same one in two spellings (T1). */
const CHALLENGES_MAX = 16;
/** All `WWW-Authenticate` values of one answer together: room for many macaroons. */
const HEADER_CHARS_MAX = 131_072;
/** A token goes back in one header, and servers read no more than some kilobytes of those. */
const TOKEN_CHARS_MAX = 8_192;

/** What can stand before the colon of a credential. */
const TOKEN = /^[!#-9;-~]+$/;
const SCHEMES: readonly string[] = ['l402', 'lsat'];
/** The one version there is (L402 specification of 2025); servers of before name none. */
const VERSION = '0';

/** Between parameters stand commas, by RFC 9110; servers also send blanks and semicolons. */
const BETWEEN = /[\s,;]*/y;
const PARAM = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]+))/y;
const WORD = /[A-Za-z0-9!#$%&'*+.^_`|~/-]+=*/y;

/** A challenge of L402: what is paid, and what is then shown beside the proof of it. */
export interface L402Challenge {
  /** How its credential is headed: as the challenge was. */
  readonly scheme: 'L402' | 'LSAT';
  /** A macaroon in base64 or whatever else the seller made; given back unchanged. */
  readonly token: string;
  readonly invoice: Invoice;
}

/** Why a challenge cannot be read, as a sentence of ours. */
interface UnreadableL402 {
  readonly fault: string;
}

/**
 * Reads every challenge of L402 in a 402, each alone: by the name L402 or LSAT, the token as `token` or `macaroon`, with or
 * without a version, in any order. One invoice that comes in two spellings is one challenge. Empty where there is none.
 * Never throws.
 */
export function readL402Challenges(answer: EndpointAnswer): (L402Challenge | UnreadableL402)[] {
  if (answer.status !== 402) return [];
  const values = answer.headers.filter(([name]) => name === 'www-authenticate').map(([, value]) => value);
  if (values.reduce((sum, value) => sum + value.length, 0) > HEADER_CHARS_MAX) return [];
  const read = values
    .flatMap(readSchemes)
    .filter(({ scheme }) => SCHEMES.includes(scheme))
    .slice(0, CHALLENGES_MAX)
    .map(readChallenge);
  const byHash = new Map<string, L402Challenge>();
  for (const one of read) {
    if ('fault' in one) continue;
    const known = byHash.get(one.invoice.paymentHash);
    if (known === undefined || (known.scheme === 'LSAT' && one.scheme === 'L402'))
      byHash.set(one.invoice.paymentHash, one);
  }
  return read.filter((one) => 'fault' in one || byHash.get(one.invoice.paymentHash) === one);
}

interface Scheme {
  readonly scheme: string;
  /** By name in lower case; null where one stands twice. */
  readonly params: Map<string, string | null>;
}

/** Reads the schemes of one header value with their parameters, whatever stands between them. */
function readSchemes(value: string): Scheme[] {
  const schemes: Scheme[] = [];
  for (let at = 0; at < value.length;) {
    const take = (pattern: RegExp): RegExpExecArray | null => {
      pattern.lastIndex = at;
      const found = pattern.exec(value);
      if (found !== null) at = pattern.lastIndex;
      return found;
    };
    take(BETWEEN);
    const param = take(PARAM);
    if (param !== null) {
      const [, name = '', quoted, bare] = param;
      const params = schemes.at(-1)?.params;
      const key = name.toLowerCase();
      const text = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
      params?.set(key, params.has(key) ? null : text);
      continue;
    }
    const word = take(WORD);
    if (word !== null) schemes.push({ scheme: word[0].toLowerCase(), params: new Map() });
    else at += 1;
  }
  return schemes;
}

function readChallenge({ scheme, params }: Scheme): L402Challenge | UnreadableL402 {
  const [version, named, macaroon, text] = ['version', 'token', 'macaroon', 'invoice'].map((name) =>
    params.get(name),
  );
  if ([version, named, macaroon, text].includes(null)) return fault('A parameter of it stands twice.');
  if (version !== undefined && version !== VERSION)
    return fault('It is of a version that is not known here.');
  if (named !== undefined && macaroon !== undefined && named !== macaroon)
    return fault('It has two different tokens.');
  const token = named ?? macaroon ?? '';
  if (token.length > TOKEN_CHARS_MAX || !TOKEN.test(token))
    return fault('It has no token that can be given back.');
  if (text === undefined || text === null || text === '') return fault('It has no invoice.');
  const invoice = readInvoice(text);
  if (typeof invoice === 'string') return fault(`Its invoice ${invoice}.`);
  return { scheme: scheme === 'lsat' ? 'LSAT' : 'L402', token, invoice };
}

function fault(why: string): UnreadableL402 {
  return { fault: `The challenge of L402 cannot be paid. ${why}` };
}
