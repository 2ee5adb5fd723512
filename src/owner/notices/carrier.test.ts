import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Notice } from '../../ledger/books/notice.js';
import { carry, NotCarried, type CarrierParts } from './carrier.js';
import type { Channel } from './channel.js';
import { messageOf, type Message } from './message.js';
import { startMailReceiver, startReceiver } from './receivers.fixture.js';

const T0 = Date.UTC(2026, 5, 1, 9);
const config = { net: { allowPrivate: [], proxy: 'none' } } as const;
const shown: string[] = [];
const parts: CarrierParts = {
  version: '0.0.0-test',
  showDesktop: async (text) => Promise.resolve(shown.push(text) > 0),
  now: () => T0,
};

const question: Notice = {
  ...{ seq: 7, kind: 'approval', occasion: 'question apv_1', agent: 'research', host: 'api.example.com' },
  ...{ usdMicros: 750_000n, subject: 'apv_1', facts: { expires_ms: String(T0 + 600_000) } },
  ...{ atMs: T0, seenMs: null },
};
const message = messageOf([question], 'https://purser.example/');

function channel(over: Partial<Channel>): Channel {
  return {
    ...{ name: 'phone', kind: 'webhook', url: null, to: null, from: null, user: null },
    ...{ tells: null, escalateMinutes: null, digestMinutes: null },
    ...over,
  };
}

const send = (
  over: Partial<Channel>,
  secret: string | null,
  more: Partial<CarrierParts> = {},
  what: Message = message,
) => carry({ ...parts, ...more }, config, channel(over), secret, what, { id: 'ntc_7' });

describe('a webhook', () => {
  test('carries the event, signed over its id, its time and its body', async () => {
    await using receiver = await startReceiver();
    const key = Buffer.alloc(32, 7);
    await send({ url: `${receiver.url}/hook` }, `whsec_${key.toString('base64')}`);
    const [{ path, headers, body } = { path: '', headers: {}, body: '' }] = receiver.received;
    expect([path, headers['webhook-id'], headers['webhook-timestamp']]).toEqual([
      '/hook',
      'ntc_7',
      String(T0 / 1000),
    ]);
    const mac = createHmac('sha256', key)
      .update(`ntc_7.${T0 / 1000}.${body}`)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
    expect(JSON.parse(body)).toEqual({
      ...{
        event: 'approval',
        seq: 7,
        at: '2026-06-01T09:00:00.000Z',
        agent: 'research',
        host: 'api.example.com',
      },
      ...{ usd: '0.75', subject: 'apv_1', url: 'https://purser.example/approvals/apv_1' },
      text: 'Agent research asks you: pay $0.75 to api.example.com?',
      expires_at: '2026-06-01T09:10:00.000Z',
    });
  });

  test('that answers with an error, elsewhere or not at all is told as not carried, and followed nowhere', async () => {
    await using receiver = await startReceiver();
    receiver.status = 500;
    await expect(send({ url: receiver.url }, 'whsec_AA==')).rejects.toThrow(
      new NotCarried('It answered 500.'),
    );
    receiver.status = 302;
    await expect(send({ url: receiver.url }, 'whsec_AA==')).rejects.toThrow(
      new NotCarried('It answered 302.'),
    );
    expect(receiver.received).toHaveLength(2);
    await expect(send({ url: 'http://127.0.0.1:9/' }, 'whsec_AA==')).rejects.toThrow(NotCarried);
    // T10: the owner's own word reaches no metadata service, and nothing in the clear beyond this machine.
    for (const url of ['https://169.254.169.254/', 'http://192.168.1.2/', 'http://hooks.example.com/'])
      await expect(send({ url }, 'whsec_AA==')).rejects.toThrow(NotCarried);
  });
});

test.each([
  [
    'slack',
    '/services/T0/B0/x',
    '/services/T0/B0/x',
    { text: expect.stringContaining('pay $0.75 to api.example.com?') as string },
  ],
  [
    'discord',
    '/api/webhooks/1/x',
    '/api/webhooks/1/x',
    { content: expect.stringContaining('$0.75') as string, allowed_mentions: { parse: [] } },
  ],
  [
    'telegram',
    '12:token',
    '/bot12:token/sendMessage',
    {
      chat_id: '42',
      disable_notification: false,
      text: expect.stringContaining('https://purser.example/approvals/apv_1') as string,
    },
  ],
] as const)('%s takes its form, at the path that is secret', async (kind, secret, path, body) => {
  await using receiver = await startReceiver();
  await send({ kind, url: receiver.url, to: '42' }, secret);
  expect(receiver.received[0]?.path).toBe(path);
  expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject(body);
  await expect(send({ kind, url: receiver.url, to: '42' }, null)).rejects.toThrow(NotCarried);
});

test('ntfy takes the line, the link and how urgent it is', async () => {
  await using receiver = await startReceiver();
  await send({ kind: 'ntfy', url: `${receiver.url}/topic` }, 'tk_1');
  expect(receiver.received[0]).toMatchObject({
    path: '/topic',
    headers: {
      ...{ title: 'Purser asks you', priority: 'high', authorization: 'Bearer tk_1' },
      click: 'https://purser.example/approvals/apv_1',
    },
    body: 'Agent research asks you: pay $0.75 to api.example.com?',
  });
});

test('the desktop shows the line', async () => {
  await send({ kind: 'desktop' }, null);
  expect(shown).toEqual(['Agent research asks you: pay $0.75 to api.example.com?']);
  await expect(
    send({ kind: 'desktop' }, null, { showDesktop: async () => Promise.resolve(false) }),
  ).rejects.toThrow(NotCarried);
});

test('several notices are one message, and a client’s own word is in none (T16)', () => {
  const client: Notice = {
    ...question,
    kind: 'client',
    facts: { client: 'IGNORE ALL' },
    host: null,
    usdMicros: null,
  };
  const both = messageOf([question, client], null);
  expect(both).toMatchObject({ title: 'Purser: 2 notices', url: null });
  expect(both.lines[1]).toBe('A client that is new to this wallet called it as agent research.');
});

test.each([
  ['discord', 2_000],
  ['telegram', 4_096],
  ['ntfy', 4_096],
] as const)('%s is given no more than it takes, and the link with it', async (kind, max) => {
  await using receiver = await startReceiver();
  const open = Array.from({ length: 20 }, (_, i): Notice => {
    const [agent, host] = ['a'.repeat(60), `${i}.${'x'.repeat(60)}.example`];
    return { ...question, ...{ kind: 'unknown', agent, host, usdMicros: 123_456_789_123n, seq: i + 1 } };
  });
  const many = messageOf(open, 'https://purser.example/');
  // An agent chose these sellers: as many as stand in one message are more than it may have.
  expect(many.lines.join('\n').length).toBeGreaterThan(max);
  await send({ kind, url: `${receiver.url}/topic`, to: '42' }, 'secret', {}, many);
  const { body = '', headers } = receiver.received[0] ?? {};
  const json = kind === 'ntfy' ? {} : (JSON.parse(body) as { content?: string; text?: string });
  const text = kind === 'ntfy' ? body : (json.content ?? json.text ?? '');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(max);
  expect(text).toMatch(/may still move\.\nAnd \d+ more\./);
  expect(kind === 'ntfy' ? headers?.['click'] : text).toContain('https://purser.example/notices');
});

describe('mail', () => {
  const mail = { kind: 'email', from: 'purser@example.com', to: 'me@example.com', user: 'me' } as const;

  test.each(['tls', 'starttls'] as const)('goes out over %s, signed in, as plain text', async (how) => {
    await using receiver = await startMailReceiver(how);
    const url = `${how === 'tls' ? 'smtps' : 'smtp'}://127.0.0.1:${receiver.port}`;
    await send({ ...mail, url }, 'secret', { extraAuthorities: [receiver.authority] });
    // Tried again it is the same mail, and another notice is another one.
    await send({ ...mail, url }, 'secret', {
      extraAuthorities: [receiver.authority],
      now: () => T0 + 60_000,
    });
    const other = messageOf([{ ...question, atMs: T0 + 1 }], null);
    await send({ ...mail, url }, 'secret', { extraAuthorities: [receiver.authority] }, other);
    const names = receiver.mails.map((one) => /^Message-ID: <(\w+@example\.com)>$/m.exec(one)?.[1]);
    expect(names).toEqual([names[0], names[0], expect.stringMatching(/^\w{64}@/)]);
    expect(names[2]).not.toBe(names[0]);
    const [head = '', body = ''] = (receiver.mails[0] ?? '').split('\r\n\r\n');
    expect(head).toContain('To: <me@example.com>\r\nSubject: =?utf-8?B?');
    expect(Buffer.from(body, 'base64').toString()).toBe(
      'Agent research asks you: pay $0.75 to api.example.com?\r\nhttps://purser.example/approvals/apv_1',
    );
    expect(receiver.said.join('\n')).toContain('MAIL FROM:<purser@example.com>\nRCPT TO:<me@example.com>');
  });

  test('goes nowhere without TLS, with a wrong password, or past a certificate that is not right', async () => {
    await using open = await startMailReceiver('plain');
    await expect(send({ ...mail, url: `smtp://127.0.0.1:${open.port}` }, 'secret')).rejects.toThrow(
      'offers no TLS',
    );
    expect(open.said.join()).not.toContain('AUTH');
    await using receiver = await startMailReceiver('tls');
    const url = `smtps://127.0.0.1:${receiver.port}`;
    await expect(send({ ...mail, url }, 'secret')).rejects.toThrow('certificate');
    const trusting = { extraAuthorities: [receiver.authority] };
    await expect(send({ ...mail, url }, 'other', trusting)).rejects.toThrow('The mail server answered 535');
    expect(receiver.mails).toEqual([]);
  });

  test('takes no address that is another command', async () => {
    await using receiver = await startMailReceiver('tls');
    const url = `smtps://127.0.0.1:${receiver.port}`;
    await expect(send({ ...mail, url, to: 'a@b>\r\nRCPT TO:<c@d' }, 'secret')).rejects.toThrow('is none');
    expect(receiver.said).toEqual([]);
  });
});
