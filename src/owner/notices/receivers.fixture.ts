import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { createServer as createTlsServer } from 'node:tls';
import { makeCertificate } from '../../net/certificate.fixture.js';

/** One request as a receiver got it. */
interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks on this machine. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on. */
  status: number;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(receiver.status, receiver.status === 302 ? { location: 'http://127.0.0.1:9/' } : {});
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    status: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return receiver;
}

/** A mail server on this machine: it takes what it is sent over TLS from the user `me` with the password `secret`. */
export interface MailReceiver extends AsyncDisposable {
  readonly port: number;
  readonly authority: string;
  /** The commands of each conversation. */
  readonly said: string[];
  readonly mails: string[];
}

export async function startMailReceiver(how: 'tls' | 'starttls' | 'plain'): Promise<MailReceiver> {
  const { cert, key } = makeCertificate(['mail.example.com', '127.0.0.1']);
  const said: string[] = [];
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  const converse = (socket: Socket, isSecure: boolean, isGreeted = true): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    let isData = false;
    const answer = (line: string): void => void socket.write(`${line}\r\n`);
    if (isGreeted) answer('220 mail.example.com');
    const onData = (piece: Buffer): void => {
      text += piece.toString();
      for (;;) {
        const end = isData ? text.indexOf('\r\n.\r\n') : text.indexOf('\r\n');
        if (end < 0) return;
        const line = text.slice(0, end);
        text = text.slice(end + (isData ? 5 : 2));
        if (isData) {
          mails.push(line);
          isData = false;
          answer('250 taken');
          continue;
        }
        said.push(line);
        const [verb = ''] = line.toUpperCase().split(/[ :]/);
        if (verb === 'EHLO')
          answer(
            isSecure || how === 'plain' ? '250-mail\r\n250 AUTH PLAIN LOGIN' : '250-mail\r\n250 STARTTLS',
          );
        else if (verb === 'STARTTLS') {
          answer('220 go on');
          socket.off('data', onData);
          const over = new TLSSocket(socket, {
            isServer: true,
            secureContext: createSecureContext({ cert, key }),
          });
          converse(over, true, false);
          return;
        } else if (verb === 'AUTH')
          answer(
            line === `AUTH PLAIN ${Buffer.from('\0me\0secret').toString('base64')}` ? '235 yes' : '535 no',
          );
        else if (verb === 'DATA') {
          isData = true;
          answer('354 go on');
        } else if (verb === 'QUIT') {
          answer('221 bye');
          socket.end();
        } else answer('250 yes');
      }
    };
    socket.on('data', onData);
  };
  const server =
    how === 'tls'
      ? createTlsServer({ cert, key }, (socket) => converse(socket, true))
      : createTcp((socket) => converse(socket, false));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    authority: cert,
    said,
    mails,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
