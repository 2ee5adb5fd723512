import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isLoopback, parseHost } from './host.js';

test.each([
  ['api.example.com', 'api.example.com'],
  ['API.Example.COM.', 'api.example.com'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['api.example.com:443', 'api.example.com:443'],
  ['api.example.com:08443', 'api.example.com:8443'],
  ['127.1:4021', '127.0.0.1:4021'],
  ['[::1]', '[::1]'],
  ['[0:0:0:0:0:0:0:1]:4021', '[::1]:4021'],
  ['my_host', 'my_host'],
])('%s is %s', (text, host) => {
  expect(parseHost(text)).toBe(host);
});

test.each([
  '',
  '.',
  ':443',
  'api.example.com:',
  'api.example.com:0',
  'api.example.com:65536',
  'api.example.com:443:443',
  '::1',
  '*.example.com',
  '*',
  'https://api.example.com',
  'api.example.com/',
  'api.example.com?x',
  'api.example.com#x',
  'user@api.example.com',
  'api.ex%61mple.com',
  'api example.com',
  ' api.example.com',
  "a';reboot;'.example",
  'a\\b',
  'x\u202ey.example',
  '[::1',
  '256.0.0.1',
])('%j is no host (T11)', (text) => {
  expect(parseHost(text)).toBeUndefined();
});

test('a host has one spelling', () => {
  const anyText = fc.oneof(fc.domain(), fc.webAuthority({ withPort: true }), fc.string(), fc.ipV6());
  fc.assert(
    fc.property(anyText, (text) => {
      const host = parseHost(text);
      if (host !== undefined) expect(parseHost(host)).toBe(host);
    }),
  );
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.255.1.9', true],
  ['[::1]', true],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['128.0.0.1', false],
  ['10.0.0.1', false],
])('%s is this machine: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});
