import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../net/certificate.fixture.js';
import { listen, type ListenerBounds, type TlsFiles } from './listener.js';

const folder = mkdtempSync(join(tmpdir(), 'purser-listener-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { cert, key } = makeCertificate(['127.0.0.1']);
const files: TlsFiles = { cert: join(folder, 'cert'), key: join(folder, 'key') };
writeFileSync(files.cert, cert);
writeFileSync(files.key, key);

describe.each<[string, TlsFiles | null]>([
  ['in the clear', null],
  ['with TLS', files],
])('a peer %s', (_how, tls) => {
  /** What the server writes before it ends the connection. */
  async function answerTo(sent: string, bounds: Partial<ListenerBounds> = {}) {
    const refusals: string[] = [];
    const at = { kind: 'address', host: '127.0.0.1', port: 0 } as const;
    const options = { at, tls, bounds, refused: (why: string) => refusals.push(why) };
    const listener = await listen(options, (_incoming, outgoing) => outgoing.end('served'));
    const port = listener.address?.port ?? 0;
    try {
      const socket: Socket =
        tls === null ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ca: cert });
      let answer = '';
      socket.on('data', (piece: Buffer) => (answer += piece.toString()));
      socket.on('error', () => undefined);
      await once(socket, tls === null ? 'connect' : 'secureConnect');
      socket.write(sent);
      await once(socket, 'close');
      return { answer, refusals };
    } finally {
      listener.cut();
      await listener.drain();
    }
  }
  const head = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n';

  it('is served', async () => {
    const { answer, refusals } = await answerTo(`${head}Connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*served/);
    expect(refusals).toEqual([]);
  });

  it('that sends more headers than the bound is refused', async () => {
    const { answer, refusals } = await answerTo(`${head}X: ${'x'.repeat(20 * 1024)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(refusals).toEqual(['malformed']);
  });

  it('that does not end its headers is refused in time', async () => {
    const { answer, refusals } = await answerTo(head, { headersTimeoutMs: 50, requestTimeoutMs: 100 });
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(refusals).toEqual(['too_slow']);
  });

  it('that keeps a connection without asking is let go in time', async () => {
    const { answer } = await answerTo(`${head}\r\n`, { keepAliveMs: 50 });
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
