import {
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addOwner, answerAs } from '../approvals/owner.js';
import { paymentsIn } from '../support/books.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { startPrepaidShop, type PrepaidShop } from '../wallet/prepaidShop.js';
import { startProxyWorld, UPSTREAM, type ProxyWorld } from './fixture.js';

let here: ProxyWorld;

beforeAll(async () => {
  here = await startProxyWorld();
});

afterAll(async () => {
  await settleAll(here.world, here.wallet);
  await expectLedgerIsChain(here.world, here.mine, here.wallet);
  await here.stop();
});

let asked = 0;

/** A chat completion that no other call of the file asks for, and what is different about it. */
function chat(content = `question ${++asked}`, more: object = {}): RequestInit {
  const body = JSON.stringify({ model: 'small-model', messages: [{ role: 'user', content }], ...more });
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}

function cents(response: Response): [cost: number, left: number] {
  const of = (name: string): number => Number(response.headers.get(name) ?? 'NaN');
  return [of('x-cost-usd-cents'), of('x-balance-remaining-cents')];
}

describe('a request through the proxy', () => {
  test('is paid once and answered as the seller answered, with its cost in the head', async () => {
    const { base, gateway } = here;
    const before = gateway.paid().length;
    const response = await fetch(`${base}/chat/completions`, chat());
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'Hello there' } }] });
    expect(gateway.paid()).toHaveLength(before + 1);
    const [cost, left] = cents(response);
    expect(cost).toBe(1);
    const id = response.headers.get('x-purser-payment-id') ?? '';
    expect(await (await here.wallet.engine()).ledger.findPayment(id)).toMatchObject({
      state: 'captured',
      capturedUsdMicros: 10_000n,
    });
    // What pays, and what would let a page read it, stays here.
    expect(response.headers.get('payment-response')).toBeNull();
    const next = await fetch(`${base}/chat/completions`, chat());
    expect(cents(next)).toEqual([1, left - 1]);
  });

  test.each([
    ['by its whole URL', () => `${here.proxy.url}/${here.token}/${here.gateway.url}/v1/chat/completions`],
    [
      'by a client that makes one slash of two',
      () => `${here.proxy.url}/${here.token}/${here.gateway.url.replace('//', '/')}/v1/chat/completions`,
    ],
    ['by an upstream whose base has its /v1', () => `${here.proxy.url}/${here.token}/claude/v1/messages`],
    [
      'by an SDK that leaves /v1 to the base',
      () => `${here.proxy.url}/${here.token}/${UPSTREAM}/chat/completions`,
    ],
  ])('finds its way %s', async (_how, url) => {
    const response = await fetch(url(), chat());
    expect(response.status).toBe(200);
    expect(here.gateway.orders.at(-1)?.path).toMatch(/^\/v1\/(chat\/completions|messages)$/);
  });

  test('takes the token as the API key, and shows it to no seller (T38)', async () => {
    const { proxy, token, gateway } = here;
    for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-api-key': token }]) {
      const call = chat();
      const response = await fetch(`${proxy.url}/${UPSTREAM}/v1/chat/completions`, {
        ...call,
        headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) },
      });
      expect(response.status).toBe(200);
    }
    expect(JSON.stringify(gateway.orders.map(({ headers, url }) => [headers, url.href]))).not.toContain(
      token,
    );
    // A key of the program's own goes up.
    const call = chat();
    await fetch(`${here.base}/chat/completions`, {
      ...call,
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-own' },
    });
    expect(gateway.orders.at(-1)?.headers.authorization).toBe('Bearer sk-own');
  });

  test('has the labels of its header and the model it asks, and the price of that one is remembered', async () => {
    const { base, wallet, gateway } = here;
    const ask = (labels: string): Promise<Response> => {
      const { headers, ...init } = chat(undefined, { model: 'large-model' });
      return fetch(`${base}/chat/completions`, {
        ...init,
        headers: { ...headers, 'x-purser-labels': labels },
      });
    };
    const response = await ask('team=search,ticket=AB%2012');
    const id = response.headers.get('x-purser-payment-id') ?? '';
    const payment = await (await wallet.engine()).ledger.findPayment(id);
    expect(payment?.labels).toEqual({ model: 'large-model', team: 'search', ticket: 'AB 12' });
    expect(JSON.stringify(gateway.orders.at(-1))).not.toContain('AB%2012');
    const { data } = (await (await fetch(`${base}/models`)).json()) as { data: object[] };
    expect(data).toMatchObject([
      { id: 'small-model', pricing: {} },
      {
        id: 'large-model',
        purser: { last_price_usd: response.headers.get('x-cost-usd-cents') === '5' ? '0.05' : '?' },
      },
    ]);
    expect(data[0]).not.toHaveProperty('purser');
    const before = gateway.orders.length;
    expect((await ask('Team=search')).status).toBe(400);
    expect(gateway.orders).toHaveLength(before);
  });

  test('that costs nothing passes free, prices of models too', async () => {
    const response = await fetch(`${here.base}/models`);
    expect(await response.json()).toMatchObject({
      data: [{ id: 'small-model', pricing: { per_call_usd: '0.01' } }, {}],
    });
    expect(cents(response)[0]).toBe(0);
    expect(response.headers.get('x-purser-payment-id')).toBeNull();
  });

  test('streams: the first event is there while the seller still waits with the next', async () => {
    const response = await fetch(`${here.base}/chat/completions`, chat(`hold ${++asked}`, { stream: true }));
    const reader = response.body!.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(first).toContain('Hello');
    here.gateway.letGo();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      rest += new TextDecoder().decode(value);
    }
    expect(rest).toMatch(/ there[\s\S]*\[DONE\]\n\n$/);
  });

  test('that is cancelled hangs up on the seller, and its payment is in the ledger', async () => {
    const gone = here.gateway.hungUp();
    const abort = new AbortController();
    const response = await fetch(`${here.base}/chat/completions`, {
      ...chat(`hold ${++asked}`, { stream: true }),
      signal: abort.signal,
    });
    const id = response.headers.get('x-purser-payment-id') ?? '';
    await response.body!.getReader().read();
    abort.abort();
    await gone;
    here.gateway.letGo();
    expect((await (await here.wallet.engine()).ledger.findPayment(id))?.state).toBe('captured');
  });

  test('that its program gave up on is read to its end, and answered from the store when it asks again', async () => {
    const { shop } = here.world.sandbox;
    const id = `given-up-${++asked}`;
    const url = `${here.proxy.url}/${here.token}/${here.world.url('/v2/gate', { id })}`;
    const abort = new AbortController();
    const given = fetch(url, { signal: abort.signal });
    await shop.begun(id);
    abort.abort();
    await expect(given).rejects.toThrow();
    shop.letGo(id);
    const again = await fetch(url);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ gate: 'open' });
    // Bought by the request that was given up, and by no other.
    expect(cents(again)[0]).toBe(0);
    expect(shop.runs(id)).toBe(1);
    expect(shop.payments('/v2/gate')).toHaveLength(1);
  });

  test('whose stream breaks off ends with an event that says so, and names the payment', async () => {
    const response = await fetch(`${here.base}/chat/completions`, chat(`break ${++asked}`, { stream: true }));
    here.gateway.letGo();
    const text = await response.text();
    const last = JSON.parse(
      text
        .trim()
        .split('\n\n')
        .at(-1)!
        .replace(/^data: /, ''),
    ) as object;
    expect(last).toMatchObject({
      error: { code: 'paid_not_delivered', message: expect.stringContaining('Paid $0.01') },
      purser: { payment_id: response.headers.get('x-purser-payment-id') },
    });
  });

  test('is made again within a minute: the same payment, and the stored answer byte for byte', async () => {
    const call = chat();
    const first = await fetch(`${here.base}/chat/completions`, call);
    const text = await first.text();
    const before = here.gateway.orders.length;
    const again = await fetch(`${here.base}/chat/completions`, {
      ...call,
      // What an SDK changes on a retry.
      headers: {
        'content-type': 'application/json',
        'x-stainless-retry-count': '1',
        traceparent: '00-1-2-3',
      },
    });
    expect(await again.text()).toBe(text);
    expect(again.headers.get('x-purser-payment-id')).toBe(first.headers.get('x-purser-payment-id'));
    expect(cents(again)[0]).toBe(0);
    expect(here.gateway.orders).toHaveLength(before);
    const meant = await fetch(`${here.base}/chat/completions`, {
      ...call,
      headers: { 'content-type': 'application/json', 'idempotency-key': `key ${++asked}` },
    });
    expect(cents(meant)[0]).toBe(1);
  });

  test('that is made twice at once is paid once', async () => {
    const call = chat();
    const before = here.gateway.payments();
    const both = await Promise.all([1, 2].map(() => fetch(`${here.base}/chat/completions`, call)));
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(both.map(({ headers }) => headers.get('x-purser-payment-id'))).size).toBe(1);
    expect(here.gateway.payments()).toBe(before + 1);
  });
});

test('a model’s own cap asks the owner, also for what the wallet’s cap lets go, in a form too', async () => {
  await here.mine.set('limits.models.small-*.per_call_usd', '0.005');
  try {
    const before = here.gateway.paid().length;
    const refused = await fetch(`${here.base}/chat/completions`, chat());
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({ error: { code: 'approval_required' } });
    const form = new FormData();
    form.append('model', 'small-model');
    form.append('file', new File([Buffer.alloc(2_000_000)], 'speech.mp3'));
    const upload = await fetch(`${here.base}/audio/transcriptions`, { method: 'POST', body: form });
    expect(upload.status).toBe(402);
    await upload.text();
    expect(here.gateway.paid()).toHaveLength(before);
    // Once the owner has said yes, the same request is paid when the program asks again.
    const call = chat();
    const asks = (await (await fetch(`${here.base}/chat/completions`, call)).json()) as {
      purser: { approval_id: string };
    };
    const id = asks.purser.approval_id;
    const engine = await here.wallet.engine();
    await addOwner(engine);
    expect(await answerAs(engine, id, { kind: 'once' })).toMatchObject({ state: 'approved' });
    expect((await fetch(`${here.base}/chat/completions`, call)).status).toBe(200);
    const other = await fetch(`${here.base}/chat/completions`, chat(undefined, { model: 'medium-model' }));
    expect(other.status).toBe(200);
    await other.text();
  } finally {
    await here.mine.set('limits.models.small-*.per_call_usd', 'none');
  }
});

describe('who may ask', () => {
  /** A request as bytes: a browser sets what fetch does not let be set. */
  function ask(
    headers: Record<string, string>,
    path = `/${here.token}/${UPSTREAM}/v1/models`,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const { port } = new URL(here.proxy.url);
      const call = httpRequest({ host: '127.0.0.1', port, path, headers, method: 'GET' }, (answer) => {
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      call.once('error', reject).end();
    });
  }

  test('a program with the token may; a page in a browser may not, whatever it knows (T20)', async () => {
    expect(await ask({})).toBe(200);
    const before = here.gateway.orders.length;
    expect(await ask({ origin: 'https://evil.example' })).toBe(403);
    expect(await ask({ origin: here.proxy.url })).toBe(403);
    expect(await ask({ origin: 'null' })).toBe(403);
    expect(await ask({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    // DNS rebinding: the page's own host name.
    expect(await ask({ host: 'evil.example' })).toBe(403);
    expect(await ask({}, `/${UPSTREAM}/v1/models`)).toBe(401);
    expect(await ask({}, `/pprx_${'a'.repeat(43)}/${UPSTREAM}/v1/models`)).toBe(401);
    expect(await ask({ authorization: 'Bearer sk-own' }, `/${UPSTREAM}/v1/models`)).toBe(401);
    expect(here.gateway.orders).toHaveLength(before);
    expect(await ask({}, `/${here.token}/nobody/v1/models`)).toBe(404);
  });
});

describe('what a seller may do with a program through the proxy', () => {
  let shop: PrepaidShop;

  beforeAll(async () => {
    shop = await startPrepaidShop(here.world.sandbox);
    const hosts = [here.gateway.hostPort, here.world.sandbox.facilitator.hostPort, shop.hostPort];
    await here.mine.set('net.allow_private', JSON.stringify(hosts));
  });

  afterAll(() => shop.close());

  const at = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${here.proxy.url}/${here.token}/${shop.url}${path}`, init);

  test('a token that it sells stays with the wallet, also for who sends what stands in its place (T38)', async () => {
    const sold = await at('/v1/token');
    expect(cents(sold)[0]).toBe(2);
    const text = await sold.text();
    expect(JSON.parse(text)).toMatchObject({ access_token: '[kept by the wallet]', token_type: 'Bearer' });
    expect(sold.headers.get('content-length') ?? String(Buffer.byteLength(text))).toBe(
      String(Buffer.byteLength(text)),
    );
    const { access_token: key } = JSON.parse(text) as { access_token: string };
    // The stored answer says the same.
    expect(await (await at('/v1/token')).text()).toBe(text);
    for (const headers of [{}, { authorization: `Bearer ${key}` }]) {
      const used = await at(`/v1/page-${++asked}`, { headers });
      expect([used.status, cents(used)[0]]).toEqual([200, 0]);
      expect(await used.text()).not.toContain('canary');
      expect(shop.came.at(-1)?.authorization).toMatch(/^Bearer canary/);
    }
  });

  test('what was bought is not used up by a run that is over (T42)', async () => {
    expect((await at('/v1/credits')).status).toBe(200);
    using run = await here.startRun(50_000n);
    const ask = (): Promise<Response> =>
      fetch(`${run.proxy.url}/${run.token}/${shop.url}/v1/late-${++asked}`);
    expect([(await ask()).status, shop.came.at(-1)?.paid]).toEqual([200, false]);
    await (await here.wallet.engine()).ledger.budgets.end(run.id, here.world.now());
    const before = shop.came.length;
    expect(await (await ask()).json()).toMatchObject({ error: { code: 'budget_over' } });
    expect(shop.came.slice(before).map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test('a demand beside 401 is paid, and what was bought comes down; an ordinary 401 comes as it is', async () => {
    shop.instead = ({ url }, response) => {
      if (url === '/plain') response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end('no');
      const head = response.writeHead.bind(response) as (status: number, headers?: object) => ServerResponse;
      response.writeHead = ((status: number, headers?: object) =>
        head(status === 402 ? 401 : status, headers)) as never;
      return url === '/plain';
    };
    try {
      const paid = await at(`/turned-${++asked}`);
      expect([paid.status, cents(paid)[0]]).toEqual([200, 2]);
      expect(await paid.json()).toEqual({ page: `/turned-${asked}` });
      const plain = await at('/plain');
      expect([plain.status, cents(plain)[0], await plain.text()]).toEqual([401, 0, 'no']);
      expect(plain.headers.get('www-authenticate')).toBe('Basic realm="x"');
    } finally {
      shop.instead = null;
    }
  });

  test('a token goes to it in no header and no address, nor what is for this hop; a redirect leads nowhere', async () => {
    const { port } = new URL(here.proxy.url);
    const came: IncomingMessage[] = [];
    shop.instead = (request, response) => {
      came.push(request);
      const paid = request.headers['payment-signature'] !== undefined;
      if (paid) response.writeHead(307, { location: 'http://127.0.0.1:9/', refresh: '0; url=/x' }).end();
      return paid;
    };
    const ask = (path: string, headers: OutgoingHttpHeaders): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        httpRequest({ host: '127.0.0.1', port, path, headers }, (answer) => resolve(answer.resume()))
          .once('error', reject)
          .end();
      });
    try {
      const answer = await ask(`/${here.token}/${shop.url}/hop-${++asked}`, {
        ...{ referer: `${here.base}/page`, 'x-goog-api-key': here.token, cookie: `key=${here.token}` },
        ...{ connection: 'keep-alive, X-Hop', 'x-hop': 'only here', 'x-own': 'goes on' },
      });
      expect([answer.statusCode, answer.headers.location, answer.headers.refresh]).toEqual([
        307,
        undefined,
        undefined,
      ]);
      expect(came.length).toBeGreaterThan(1);
      expect(JSON.stringify(came.map(({ headers }) => headers))).not.toContain(here.token);
      expect(came.map(({ headers }) => [headers['x-hop'], headers['x-own']])).toEqual(
        came.map(() => [undefined, 'goes on']),
      );
      const before = came.length;
      const misplaced = await ask(`/${here.token}/${shop.url}/x?key=${here.token}`, {});
      expect(misplaced.statusCode).toBe(400);
      expect(came).toHaveLength(before);
    } finally {
      shop.instead = null;
    }
  });

  test.each([
    ['two lengths of one body', 'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n\r\nhello!'],
    ['a coding that hides one', 'transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['credentials in the address', '\r\n', 'http://user:secret@'],
    ['another scheme', '\r\n', 'ftp://'],
  ])('a request with %s reaches nobody', async (_what, rest, scheme = 'http://') => {
    const before = shop.came.length;
    const { port } = new URL(here.proxy.url);
    const path = `/${here.token}/${scheme}${shop.hostPort}/v1/models`;
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n${rest}`);
    const answer = (await socket.toArray()).join('');
    expect(answer).toMatch(/^HTTP\/1\.1 4(00|03|04|13) /);
    expect(answer).not.toContain('secret');
    expect(shop.came).toHaveLength(before);
  });
});

describe('a run', () => {
  test('of five cents buys five calls of one cent, and the sixth is refused in the words of the API', async () => {
    using run = await here.startRun(50_000n, undefined, { team: 'ours' });
    const url = `${run.proxy.url}/${UPSTREAM}/v1/chat/completions`;
    const call = (): Promise<Response> => {
      const init = chat();
      return fetch(url, {
        ...init,
        headers: {
          ...{ 'content-type': 'application/json', authorization: `Bearer ${run.token}` },
          // Whoever started the run says whose it is, and not the program.
          'x-purser-labels': 'team=theirs,step=1',
        },
      });
    };
    for (let left = 4; left >= 0; left -= 1) expect(cents(await call())).toEqual([1, left]);
    const before = here.gateway.paid().length;
    const sixth = await call();
    expect(sixth.status).toBe(402);
    expect(sixth.headers.get('x-should-retry')).toBe('false');
    expect(await sixth.json()).toMatchObject({
      error: { type: 'insufficient_quota', code: 'budget_spent', message: expect.stringContaining('$0.00') },
    });
    const anthropic = await fetch(`${run.proxy.url}/claude/v1/messages`, {
      ...chat(),
      headers: { 'content-type': 'application/json', 'x-api-key': run.token },
    });
    expect(await anthropic.json()).toMatchObject({ type: 'error', error: { type: 'billing_error' } });
    expect(here.gateway.paid()).toHaveLength(before);
    const { ledger } = await here.wallet.engine();
    expect(await ledger.budgets.use(run.id, here.world.now())).toMatchObject({ capturedUsdMicros: 50_000n });
    const own = (await paymentsIn(await here.wallet.engine())).filter(
      ({ budgetPath }) => budgetPath === run.id,
    );
    expect(own).toHaveLength(5);
    for (const { labels } of own) expect(labels).toEqual({ model: 'small-model', step: '1', team: 'ours' });
  });

  test('that has ended pays nothing any more, by its token or by another, and neither does one whose time is over (T42)', async () => {
    using run = await here.startRun(50_000n, 3_600_000);
    using short = await here.startRun(50_000n, 1);
    const ask = async ({ proxy, token }: { proxy: { url: string }; token: string }): Promise<unknown> =>
      (await fetch(`${proxy.url}/${token}/${UPSTREAM}/v1/chat/completions`, chat())).json();
    const { ledger } = await here.wallet.engine();
    await ledger.budgets.end(run.id, here.world.now());
    const before = here.gateway.paid().length;
    expect(await ask(run)).toMatchObject({ error: { code: 'budget_over' } });
    expect(await ask(short)).toMatchObject({ error: { code: 'budget_over' } });
    // The token is that run's alone: no other proxy knows it, and its own knows no other.
    expect(await ask({ proxy: here.proxy, token: run.token })).toMatchObject({
      error: { code: 'token_wrong' },
    });
    expect(await ask({ proxy: run.proxy, token: here.token })).toMatchObject({
      error: { code: 'token_wrong' },
    });
    expect(here.gateway.paid()).toHaveLength(before);
  });
});
