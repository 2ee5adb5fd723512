import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { addressOf, hostsOf, type PageAddress } from './address.js';
import { SCRIPT_HASH } from '../look/script.js';
import { STYLE_HASH } from '../look/style.js';

/** A passphrase, or a passkey's answer, of some 3 KiB, and the fields around it. */
const BODY_BYTES_MAX = 32 * 1024;

/** What a document, and nothing else, is asked for as. */
const FRAME_DESTINATIONS = ['iframe', 'frame', 'embed', 'object', 'fencedframe'];

const POLICY = [
  "default-src 'none'",
  `script-src '${SCRIPT_HASH}'`,
  `style-src '${STYLE_HASH}'`,
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  'img-src data:',
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** What every answer of the page carries, refusals too. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // Not `no-referrer`: under it browsers send `Origin: null` with a form, and the check below needs the origin.
  'Referrer-Policy': 'same-origin',
  'Permissions-Policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self)',
  'Cache-Control': 'no-store',
};

/** Sets {@link HEADERS} on every answer. */
export const secureAnswers: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
};

/**
 * Lets through what a browser of this machine asks of this page for itself (T20): the exact `Host`, so that no name an
 * attacker resolves to us is served; no frames and no embedding; changes by POST from our own origin alone.
 */
export function checkSource(page: PageAddress): MiddlewareHandler {
  const hosts = hostsOf(page);
  return async (c, next) => {
    const host = c.req.header('host');
    if (host === undefined || !hosts.includes(host) || hostIn(c.req.url) !== host) {
      return refuse(
        c,
        421,
        `This page is at ${addressOf(page, '')} and nowhere else. Over SSH, forward this very port.`,
      );
    }
    switch (c.req.method) {
      case 'GET':
      case 'HEAD':
        return isOwnRead(c) ? next() : refuse(c, 403, 'This page is opened by itself only.');
      case 'POST':
        return isOwnForm(c, page.outside?.origin ?? `http://${host}`)
          ? next()
          : refuse(c, 403, 'Only this page itself may send this.');
      default:
        return refuse(c, 405, 'This method is not supported here.');
    }
  };
}

/** Ends a request whose body is longer than any form of ours. */
export const boundBody: MiddlewareHandler = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: (c) => refuse(c, 413, 'The form is too large.'),
});

/** Browsers that say nothing of the fetch are let through: a read changes nothing and no origin may read it. */
function isOwnRead(c: Context): boolean {
  const site = c.req.header('sec-fetch-site');
  if (FRAME_DESTINATIONS.includes(c.req.header('sec-fetch-dest') ?? '')) return false;
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  // A link to the page, in a client that shows it in a browser.
  return c.req.header('sec-fetch-mode') === 'navigate' && c.req.header('sec-fetch-dest') === 'document';
}

/** What is asked for, as the server that took it wrote it down: behind a tunnel that is no TLS. */
function hostIn(url: string): string {
  return new URL(url).host;
}

function isOwnForm(c: Context, origin: string): boolean {
  const site = c.req.header('sec-fetch-site');
  return (
    c.req.header('origin') === origin &&
    (site === undefined || site === 'same-origin') &&
    /^application\/x-www-form-urlencoded(;|$)/i.test(c.req.header('content-type') ?? '')
  );
}

function refuse(c: Context, status: 403 | 405 | 413 | 421, message: string): Response {
  return c.text(`${message}\n`, status);
}
