import type { Config } from '../config/settings.js';
import { nameInToken } from '../money/agent.js';
import { dialectOf, type Dialect } from './dialect.js';
import { isProxyToken } from './token.js';

/** Where a request goes. */
export interface Destination {
  readonly url: string;
  readonly dialect: Dialect;
}

/** The request line's target, taken apart: its token, where it has one, and what stands behind it. */
export interface Target {
  readonly token: string | null;
  /** `https://host/path…` or `name/path…`, with the query, without a leading slash. */
  readonly rest: string;
}

/** Takes a target such as `/TOKEN/openai/v1/models?x` apart. */
export function readTarget(target: string): Target {
  const whole = target.replace(/^\/+/, '');
  const end = whole.search(/[/?]|$/);
  const first = whole.slice(0, end);
  const isToken = isProxyToken(first) || nameInToken(first) !== null;
  return isToken
    ? { token: first, rest: whole.slice(end).replace(/^\/+/, '') }
    : { token: null, rest: whole };
}

/**
 * The URL that a target stands for: `https://host/path` itself, or the owner's upstream of that name with what follows
 * it. Null where there is no such upstream.
 */
export function destinationOf(rest: string, { proxy }: Pick<Config, 'proxy'>): Destination | null {
  // Some clients make one slash of two in a path.
  const full = /^(https?):\/{1,2}([^/].*)$/s.exec(rest);
  if (full !== null) {
    const url = `${full[1] ?? ''}://${full[2] ?? ''}`;
    return { url, dialect: dialectOf(URL.canParse(url) ? new URL(url).pathname : '') };
  }
  const end = rest.search(/[/?]|$/);
  const name = rest.slice(0, end);
  const base = proxy.upstreamUrls.get(name);
  if (base === undefined) return null;
  const dialect = proxy.upstreamDialects.get(name) ?? 'openai';
  return { url: joined(base, rest.slice(end), dialect), dialect };
}

/**
 * An upstream's base with a path behind it. Of the two APIs SDKs say `/v1` themselves or take it for a part of the base,
 * and so do owners: it stands in the URL once, unless the base has a version of its own.
 */
function joined(base: string, path: string, dialect: Dialect): string {
  const root = base.replace(/\/+$/, '');
  if (dialect === 'plain') return `${root}${path}`;
  const behind = path.replace(/^\/v1(?=[/?]|$)/, '');
  const hasVersion = new URL(base).pathname.split('/').some((step) => /^v\d/.test(step));
  return `${root}${hasVersion ? '' : '/v1'}${behind}`;
}
