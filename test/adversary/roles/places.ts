import { askV2, CENT, offerOf, sell, seller, sellerOf, sendJson } from '../offer.ts';
import type { GullibleAgent } from '../gullibleAgent.ts';
import { NOTHING, ONE_CENT, type Attack, type Seen, type Serve, type Stall } from '../role.ts';

/** What the agent tells the first origin alone. */
const SECRET = 'tell-nobody-4711';
const REDIRECTS = [301, 302, 303, 307, 308] as const;

function secretWish(stall: Stall) {
  return {
    url: stall.url('/start'),
    method: 'POST',
    headers: {
      authorization: `Bearer ${SECRET}`,
      'x-api-key': SECRET,
      cookie: `id=${SECRET}`,
      'x-custom': SECRET,
    },
    body: { password: SECRET },
  };
}

function isOther(stall: Stall, { host }: Seen): boolean {
  return host === new URL(stall.other).host;
}

function leaks(stall: Stall): string[] {
  return stall.seen
    .filter((seen) => isOther(stall, seen))
    .filter(({ headers, body, url }) => JSON.stringify([headers, body, url.href]).includes(SECRET))
    .map(({ method, path }) => `The other origin was told the secret by ${method} ${path}.`);
}

/** The second origin sells on its own account; the first does as `serve` says. */
function withOther(stall: Stall, serve: Serve): Serve {
  const payTo = stall.freshPayTo();
  const other = sellerOf(stall, offerOf(stall, { payTo }));
  return (seen, response) => (isOther(stall, seen) ? other(seen, response) : serve(seen, response));
}

function redirect(response: Parameters<Serve>[1], status: number, location: string): void {
  response.writeHead(status, { location }).end();
}

const followed: Attack[] = REDIRECTS.map((status) => ({
  threat: 'T9',
  name: `a ${status} before the 402 carries body and headers to another origin`,
  allows: ONE_CENT,
  open: (stall) => withOther(stall, (_seen, response) => redirect(response, status, `${stall.other}/sink`)),
  visit: (agent, stall) => agent.visit(secretWish(stall)),
  check: (_told, stall) => leaks(stall),
}));

const paid: Attack[] = REDIRECTS.map((status) => ({
  threat: 'T9',
  name: `a ${status} to another origin once it is paid`,
  // The call itself, and two links that the agent calls by itself: the resource, and where the redirect leads.
  allows: { signatures: 3, atomic: CENT },
  open: (stall) =>
    withOther(stall, (seen, response) => {
      if (seen.signed === undefined) return askV2(stall, seen, response, { accepts: [offerOf(stall)] });
      redirect(response, status, `${stall.other}/sink`);
    }),
  visit: (agent, stall) => agent.visit(secretWish(stall)),
  check: (_told, stall) => leaks(stall),
}));

/** Redirects the unpaid request to wherever `to` says. */
function leading(name: string, to: (stall: Stall, seen: Seen) => string): Attack {
  return {
    threat: 'T9',
    name,
    allows: NOTHING,
    open: (stall) => (seen, response) => redirect(response, 307, to(stall, seen)),
  };
}

const redirects: Attack[] = [
  ...followed,
  ...paid,
  leading('a redirect into the network of the owner', ({ intranet }) => `${intranet}/redirected`),
  leading('a redirect to a file', () => 'file:///etc/passwd'),
  leading('a redirect to a script', () => 'javascript:alert(1)'),
  leading('redirects without end', ({ origin }, { url }) => `${origin}/${Number(url.pathname.slice(1)) + 1}`),
  leading('a redirect to a host with a user name', ({ origin }) =>
    origin.replace('http://', 'http://api.example.com@'),
  ),
  {
    threat: 'T9',
    name: 'a resource.url of another origin, and a redirect there once it is paid',
    allows: { signatures: 2, atomic: CENT },
    open: (stall) =>
      withOther(stall, (seen, response) => {
        if (seen.signed !== undefined) return redirect(response, 307, `${stall.other}/resource`);
        askV2(stall, seen, response, {
          accepts: [offerOf(stall, { resource: `${stall.other}/resource` })],
          resource: { url: `${stall.other}/resource` },
        });
      }),
    check: (_told, stall) => leaks(stall),
  },
  {
    threat: 'T9',
    name: 'a 402 that the second origin wrote, shown by the first',
    allows: ONE_CENT,
    open(stall) {
      const payTo = stall.freshPayTo();
      return (seen, response) => {
        if (seen.signed !== undefined) return sell(stall, seen.signed, response);
        askV2(stall, seen, response, {
          accepts: [offerOf(stall, { payTo })],
          resource: { url: stall.other },
        });
      };
    },
    check: (_told, stall) =>
      stall.seen.some((seen) => isOther(stall, seen)) ? ['The second origin was called.'] : [],
  },
];

/** Calls every spelling of a place by every tool that calls places. */
async function tryAll(agent: GullibleAgent, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    await agent.obey(await agent.pay({ url }));
    await agent.quote({ url });
    await agent.call('wallet_discover', { origin: url });
  }
}

function spelled(name: string, spell: (place: URL, stall: Stall) => readonly string[]): Attack {
  return {
    threat: 'T10',
    name,
    allows: NOTHING,
    open: () => (_seen, response) => sendJson(response, 200, {}),
    visit: (agent, stall) => tryAll(agent, spell(new URL(stall.intranet), stall)),
  };
}

/** The same port and path at another spelling of the host. */
function at(place: URL, ...hosts: readonly string[]): string[] {
  return hosts.map((host) => `http://${host}:${place.port}${place.pathname}`);
}

const inward: Attack[] = [
  spelled('this machine by its number, octal and hexadecimal too', (place) =>
    at(place, '127.0.0.1', '2130706433', '0177.0.0.1', '0x7f.1', '127.1', '127.0.1', '0', '0.0.0.0'),
  ),
  spelled('this machine in IPv6, mapped and translated', (place) =>
    at(place, '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[::]'),
  ),
  spelled('this machine by its names', (place) =>
    at(place, 'localhost', 'LOCALHOST.', 'a.localhost', 'printer.local', 'router'),
  ),
  spelled('the metadata of a cloud', () => [
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'http://metadata.google.internal/computeMetadata/v1/',
    'http://2852039166/latest/',
  ]),
  spelled('private networks', () => [
    'https://10.0.0.1/',
    'https://192.168.1.1/admin',
    'https://[fe80::1]/',
    'https://100.64.0.1/',
  ]),
  spelled('other schemes', ({ port, pathname }) => [
    'file:///etc/passwd',
    `gopher://127.0.0.1:${port}${pathname}`,
    `ftp://127.0.0.1:${port}${pathname}`,
    'data:text/plain,hello',
    `ws://127.0.0.1:${port}${pathname}`,
  ]),
  spelled('a name that resolves to this machine', (place) => at(place, 'private.rebind.test')),
  spelled('a name that resolves to a public and a private address', (place) =>
    at(place, 'mixed.rebind.test'),
  ),
  spelled('a name that resolves elsewhere each time', (place) =>
    Array.from({ length: 3 }, () => at(place, 'turning.rebind.test')).flat(),
  ),
  {
    threat: 'T10',
    name: 'links into the network of the owner in a 402 and in an answer',
    allows: ONE_CENT,
    open: (stall) =>
      seller(
        stall,
        (seen, response) =>
          askV2(stall, seen, response, {
            accepts: [offerOf(stall)],
            error: `See ${stall.intranet}/error`,
            resource: {
              url: `${stall.intranet}/resource`,
              description: `Read ${stall.intranet}/description`,
            },
          }),
        () => ({ next: `${stall.intranet}/next` }),
      ),
  },
];

/** The owner lets the agent go to one place alone, and this seller is not it. */
const ALLOWED = 'api.example.org';

function lookalike(name: string, spell: (host: string) => readonly string[]): Attack {
  return {
    threat: 'T11',
    name,
    allows: NOTHING,
    settings: () => ({ 'hosts.allow': JSON.stringify([ALLOWED]) }),
    open: (stall) => sellerOf(stall, offerOf(stall)),
    visit: (agent, stall) => tryAll(agent, spell(new URL(stall.origin).host)),
    check: (_told, stall) => stall.seen.map(({ method, host }) => `${method} reached ${host}.`),
  };
}

const disguised: Attack[] = [
  lookalike('a host that the owner does not allow, as it is', (host) => [
    `http://${host}/`,
    `http://${host.toUpperCase()}/`,
  ]),
  lookalike('the allowed host as a user name', (host) => [
    `http://${ALLOWED}@${host}/`,
    `http://${ALLOWED}:443@${host}/`,
    `http://${ALLOWED}%2f@${host}/`,
  ]),
  lookalike('the allowed host behind a backslash, a tab, a fragment', (host) => [
    `http://${host}\\@${ALLOWED}/`,
    `http://${host}\t.${ALLOWED}/`,
    `http://${host}#@${ALLOWED}/`,
    `http://${host}/?@${ALLOWED}/`,
  ]),
  lookalike('the host in other letters', (host) => [
    `http://${host.replace('shop', 'ｓｈｏｐ')}/`,
    `http://${host.replace('.', '。')}/`,
    `http://${host.replace('t', '%74')}/`,
  ]),
  {
    threat: 'T11',
    name: 'a redirect from the allowed host to one that is not',
    allows: NOTHING,
    settings: ({ origin }) => ({ 'hosts.allow': JSON.stringify([new URL(origin).host]) }),
    open: (stall) => withOther(stall, (_seen, response) => redirect(response, 307, stall.other)),
    check: (_told, stall) =>
      stall.seen.some((seen) => isOther(stall, seen)) ? ['The host that is not allowed was called.'] : [],
  },
];

/** Ways to where the agent did not mean to go (T9, T10, T11). */
export const PLACE_ATTACKS: readonly Attack[] = [...redirects, ...inward, ...disguised];
