import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { Outcome, ToldOutcome } from '../../wallet/answer/outcome.js';
import type { Wallet } from '../../wallet/wallet.js';
import { BUFFER_BYTES, MessageLines } from '../messageLines.js';
import { delayEnd, takeStdout } from '../protocolStream.js';
import { within } from '../within.js';
import { PaidRelay } from './relay.js';
import { walletFetch } from './walletFetch.js';

/** A client that closes our stdin sends SIGTERM some seconds later, and is not waited for longer. */
const FINISH_CALLS_MS = 5_000;
/** Time to tell the server that the session ends, and to write down what became of calls that were cut off. */
const GOODBYE_MS = 1_500;
const LINGER_MS = 500;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The server that this process stands for, and the wallet that pays it. */
export interface StandInOptions {
  readonly url: URL;
  readonly wallet: Wallet;
  readonly maxUsd: string | undefined;
  readonly tell: (outcome: Outcome) => ToldOutcome;
}

/** The way to a paid server, by the wallet's own network. */
export function serverTransport({
  url,
  wallet,
}: Pick<StandInOptions, 'url' | 'wallet'>): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(url, { fetch: walletFetch(() => wallet.engine(), url) });
}

/**
 * Stands for a paid MCP server at stdin and stdout, until the client goes or a signal comes; answers the exit code. What is
 * known of each payment is written down before this ends.
 */
export async function standInStdio(options: StandInOptions): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const lines = new MessageLines(takeStdout(stdout, stderr));
  const input = delayEnd(() => within(FINISH_CALLS_MS, relay.settled()));
  const client = new StdioServerTransport(input, lines.output, { maxBufferSize: BUFFER_BYTES });
  const server = serverTransport(options);
  const relay = new PaidRelay({ ...options, client, server });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve());
    stdin.once('error', () => resolve());
    client.onclose = () => resolve();
  });
  await server.start();
  await client.start();
  stdin.pipe(lines.input).pipe(input);
  stdin.once('close', () => lines.input.end());
  await stopped;
  await within(
    GOODBYE_MS,
    server
      .terminateSession()
      .catch(() => undefined)
      .then(() => server.close())
      .then(() => options.wallet.close()),
  );
  stdin.destroy();
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return 0;
}
