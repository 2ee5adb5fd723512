import { Agent, request } from 'node:http';

/** Connections stay open: each answer would otherwise begin with a handshake. What is idle keeps no process alive. */
const agent = new Agent({ keepAlive: true });

/** What a local service answered. */
export interface Posted {
  readonly status: number;
  readonly body: string;
}

/**
 * Posts JSON text to a service on this machine. By Node's own client: `fetch` takes three times the work for an answer of
 * some hundred bytes, and the chains of a run of the tests are asked tens of thousands of times. Rejects where no whole
 * answer comes; there is no time limit, since a chain of ours that is slow is waited for.
 */
export function postJson(url: string, text: string): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    asked.once('error', reject);
    asked.end(text);
  });
}
