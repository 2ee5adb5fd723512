import { describe, expect, it } from 'vitest';
import { NetFailure } from '../failure.js';
import { normaliseUrl, parseAllowEntry, parseCallUrl, URL_LENGTH_MAX } from './url.js';

function refusal(text: string, allowPrivate: readonly string[] = []): NetFailure {
  try {
    parseCallUrl(text, { allowPrivate });
  } catch (error) {
    if (error instanceof NetFailure) return error;
    throw error;
  }
  throw new Error(`not refused: ${text}`);
}

describe('a URL that may be called', () => {
  it('is parsed into the parts that are judged and shown', () => {
    const call = parseCallUrl('HTTPS://API.Example.COM/v1/Path?q=a b&x=%2F#part', { allowPrivate: [] });
    expect(call.url.href).toBe('https://api.example.com/v1/Path?q=a%20b&x=%2F');
    expect(call).toMatchObject({
      origin: 'https://api.example.com',
      host: 'api.example.com',
      port: 443,
      hostPort: 'api.example.com:443',
      ownerAllowed: false,
    });
  });

  it('T11: shows a look-alike host in punycode', () => {
    expect(parseCallUrl('https://аpple.com/', { allowPrivate: [] }).host).toBe('xn--pple-43d.com');
  });

  it('drops the trailing dot, so that a denied host has one spelling', () => {
    expect(parseCallUrl('https://example.com./x', { allowPrivate: [] }).origin).toBe('https://example.com');
  });

  it('may be a public IP address', () => {
    expect(parseCallUrl('https://1.1.1.1/', { allowPrivate: [] }).host).toBe('1.1.1.1');
    expect(parseCallUrl('https://[2606:4700::1111]:8443/', { allowPrivate: [] })).toMatchObject({
      host: '2606:4700::1111',
      hostPort: '[2606:4700::1111]:8443',
    });
  });
});

describe('bad_url', () => {
  it.each([
    ...[
      '',
      'example.com',
      '/path',
      'file:///etc/passwd',
      'ftp://a.example/',
      'data:text/plain,x',
      'javascript:1',
    ],
    ...[
      'gopher://a.example/',
      'unix:/run/x.sock',
      'ws://a.example/',
      'blob:https://a.example/1',
      'https:',
      'https://',
    ],
    ...[
      'https:a.example',
      'https:/a.example',
      'https:///a.example',
      'http://a.example/',
      'https://a..example/',
    ],
    ...[
      'https://a.example../',
      'https://a.example:0/',
      'https://a.example:65536/',
      'https://a b.example/',
      'https://../',
    ],
    ...[
      'https://1.2.3.4.5/',
      'https://[fe80::1%25eth0]/',
      'https://[::1/',
      `https://${'a.'.repeat(127)}example/`,
    ],
  ])('T10: %s', (text) =>
    expect(refusal(text)).toMatchObject({ code: 'bad_url', leg: 'resolve', bytesLeft: false }),
  );

  it.each([
    ...[
      'https://user@a.example/',
      'https://user:pw@a.example/',
      'https://@a.example/',
      'https://:@a.example/',
    ],
    ...[
      'https://a.example@b.example/',
      'https://a.example:443@b.example/',
      'https://a.example%40b.example@c.example/',
    ],
  ])('T11: userinfo in %s', (text) => expect(refusal(text).code).toBe('bad_url'));

  it.each([
    'https://a.example\\@b.example/',
    'https:\\\\a.example/',
    'https://a.exa\tmple/',
    'https://a.example/\r\nx',
    'https://a.example/\u0000',
    'https://a.example/\u009bx',
  ])('T11, T27: %j is not mended in silence', (text) => expect(refusal(text).code).toBe('bad_url'));

  it.each([
    'https://$(id).example/',
    'https://`id`.example/',
    'https://a;b.example/',
    'https://a&b.example/',
    "https://a'b.example/",
  ])('keeps what a shell reads out of commands for the owner: %s', (text) =>
    expect(refusal(text)).toMatchObject({ code: 'bad_url', owner: undefined }),
  );

  it('bounds the length as written and as encoded', () => {
    const prefix = 'https://a.example/';
    const longest = prefix + 'x'.repeat(URL_LENGTH_MAX - prefix.length);
    expect(parseCallUrl(longest, { allowPrivate: [] }).url.href).toBe(longest);
    expect(refusal(`${longest}x`).code).toBe('bad_url');
    expect(refusal(prefix + 'é'.repeat(URL_LENGTH_MAX / 4)).code).toBe('bad_url');
  });
});

describe('T10: address_refused', () => {
  const LOOPBACK_SPELLINGS = [
    ...[
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '0x7F.0x0.0x0.0x1',
      '017700000001',
      '0177.0.0.1',
    ],
    ...[
      '127.0.0.1.',
      '%31%32%37.0.0.1',
      '１２７.０.０.１',
      '①②⑦.⓪.⓪.①',
      '127。0。0。1',
      '[::1]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
    ],
  ];
  it.each(LOOPBACK_SPELLINGS)('loopback spelled %s', (host) => {
    expect(refusal(`https://${host}/`).code).toBe('address_refused');
    expect(refusal(`http://${host}:8080/`).code).toBe('address_refused');
  });

  const METADATA_SPELLINGS = [
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '168.63.129.16',
    '0.0.0.0',
    '0',
    '[::]',
    '224.0.0.1',
  ];
  it.each(METADATA_SPELLINGS)('%s is refused even where the owner named it', (host) => {
    const port = 8080;
    const canonical = new URL(`http://${host}:${port}/`).host;
    const failure = refusal(`http://${host}:${port}/`, [canonical, `${host}:${port}`]);
    expect(failure).toMatchObject({ code: 'address_refused', owner: undefined });
  });

  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    '%6c%6fcalhost',
    'printer.local',
    'metadata.google.internal',
    'router.lan',
    'nas.home.arpa',
    'intranet',
    'a.onion',
    '1.0.0.127.in-addr.arpa',
  ])('the name %s, without asking a resolver', (host) =>
    expect(refusal(`https://${host}/`).code).toBe('address_refused'),
  );

  it('says how the owner mends it, with the canonical host and port', () => {
    expect(refusal('http://0x7f.1:4021/x').owner).toEqual({
      say: 'If 127.0.0.1:4021 is your own and the agent may call it, allow exactly that host and port.',
      action: { kind: 'addToSetting', key: 'net.allow_private', entry: '127.0.0.1:4021' },
    });
    expect(refusal('https://LocalHost./').owner?.action).toMatchObject({ entry: 'localhost:443' });
  });
});

describe('T10: an exception of the owner', () => {
  const allowPrivate = ['LOCALHOST:4021', '127.0.0.1:4021', '[::1]:4021', 'api.corp:443'];
  it.each([
    'http://localhost:4021/',
    'https://localhost:4021/',
    'http://127.1:4021/',
    'http://[0::1]:4021/',
    'https://api.corp/',
  ])('admits %s, by http too', (text) =>
    expect(parseCallUrl(text, { allowPrivate }).ownerAllowed).toBe(true),
  );
  it.each([
    'http://localhost:4022/',
    'http://localhost/',
    'http://127.0.0.2:4021/',
    'http://a.localhost:4021/',
    'http://api.corp/',
    'https://api.corp:8443/',
    'http://[::1]:40210/',
    'http://192.168.0.1:4021/',
  ])('does not stretch to %s', (text) => expect(refusal(text, allowPrivate).code).toBe('address_refused'));
  it.each([
    'localhost',
    '*:80',
    'localhost:*',
    'http://localhost:80',
    'localhost:80/x',
    'localhost:0',
    'localhost:65536',
    'a@localhost:80',
    '',
    ':80',
    '10.0.0.0/8:80',
  ])('is not made by %j', (entry) => expect(parseAllowEntry(entry)).toBeUndefined());
  it('has one canonical spelling', () => {
    expect(
      ['LocalHost:080', '0x7f.1:80', '[0:0::1]:80', 'a.example.:443', '10.1.2.3:8080'].map(parseAllowEntry),
    ).toEqual([...['localhost:80', '127.0.0.1:80', '[::1]:80', 'a.example:443', '10.1.2.3:8080']]);
  });
});

describe('normaliseUrl', () => {
  it.each([
    ['HTTPS://Example.COM:443/A/../b?x=1&y=%7e#frag', 'https://example.com/b?x=1&y=%7e'],
    ['https://example.com', 'https://example.com/'],
    ['https://example.com./', 'https://example.com/'],
    ['https://example.com/?', 'https://example.com/?'],
    ['http://127.1:80/', 'http://127.0.0.1/'],
    ['https://example.com:8443/a%2Fb', 'https://example.com:8443/a%2Fb'],
  ])('%s is %s', (text, normal) => {
    expect(normaliseUrl(text)).toBe(normal);
    expect(normaliseUrl(normal)).toBe(normal);
  });
  it('keeps apart what servers may tell apart', () => {
    const urls = [
      'https://a.example/x',
      'https://a.example/X',
      'https://a.example/x/',
      'https://a.example/x?',
      'https://a.example/%78',
      'http://a.example/x',
    ];
    expect(new Set(urls.map(normaliseUrl)).size).toBe(urls.length);
  });
});
