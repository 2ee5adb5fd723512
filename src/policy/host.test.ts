import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostOf, hostPortOf, namesOf } from './host.js';

test.each([
  ['https://api.example.com/v1?q=1', 'api.example.com:443'],
  ['https://API.Example.com./', 'api.example.com:443'],
  ['https://api.example.com:443/', 'api.example.com:443'],
  ['https://api.example.com:8443/', 'api.example.com:8443'],
  ['http://localhost/', 'localhost:80'],
  ['http://localhost:443/', 'localhost:443'],
  ['https://bücher.example/', 'xn--bcher-kva.example:443'],
  ['https://0x7f.1:4021/', '127.0.0.1:4021'],
  ['http://[::1]:4021/', '[::1]:4021'],
])('%s is called at %s', (url, hostPort) => {
  expect(hostPortOf(new URL(url))).toBe(hostPort);
});

test('a host and a port come apart and together again', () => {
  fc.assert(
    fc.property(fc.domain(), fc.integer({ min: 1, max: 65_535 }), (domain, port) => {
      const hostPort = hostPortOf(new URL(`https://${domain}:${port}/`));
      expect(hostPort).toBe(`${domain.toLowerCase()}:${port}`);
      expect(namesOf(hostPort)).toEqual([domain.toLowerCase(), hostPort]);
    }),
  );
  expect(hostOf('[::1]:4021')).toBe('[::1]');
});
