import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { createMcpServer } from '../mcp/server.js';
import { BUFFER_BYTES, MessageLines } from './messageLines.js';
import { OpenRequests } from './openRequests.js';
import { rehearsedCall } from './rehearsedCall.js';
import { delayEnd, takeStdout } from './protocolStream.js';
import { within } from './within.js';
import { WalletOnDemand, type ServerPlace } from './walletOnDemand.js';

/** A client that closes our stdin sends SIGTERM some seconds later; one that died sends nothing, and is not waited for longer. */
const FINISH_CALLS_MS = 5_000;
/** Time to write down what became of calls that were cut off; under the two seconds clients give before SIGKILL. */
const CLOSE_MS = 1_500;
/** Nothing should be left that keeps the process alive; if something is, it ends all the same. */
const LINGER_MS = 500;

/** From the list of tools to the loading of what is behind them: what else a client asks at its start comes first. */
const WARM_AFTER_MS = 50;

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Serves the wallet over stdin and stdout, to clients of both eras of the protocol, until the client goes or a
 * signal comes; answers the exit code.
 *
 * When stdin ends, requests that came before may finish and are still answered for some seconds, and an answer that was
 * paid for is read to the bound of its call; a signal cancels all of them. Either way the wallet is closed, and what is known of each payment is written down, before this ends.
 */
export async function serveStdioWallet(place: Omit<ServerPlace, 'warn'>): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const lines = new MessageLines(takeStdout(stdout, stderr));
  const warn = (line: string): boolean => stderr.write(`${line}\n`);
  const { version, env, platform } = place;
  const machine = { version, env, platform };
  const wallet = new WalletOnDemand({ ...place, warn, offersSetUp: true });

  const input = delayEnd(() => within(FINISH_CALLS_MS, requests.none()));
  const transport = new StdioServerTransport(input, lines.output, { maxBufferSize: BUFFER_BYTES });
  const connection = serveStdio(
    () => createMcpServer({ ...machine, wallet, ended: ({ client }) => wallet.noteClient(client) }),
    { transport },
  );
  const requests = new OpenRequests(transport);
  // A client that lists tools is about to use one, and an agent thinks first: what its first call needs is ready by then.
  const warm = (): void => void wallet.warm(rehearsedCall(machine));
  requests.onceAnswered('tools/list', () => setTimeout(warm, WARM_AFTER_MS).unref());

  const signalled = new Promise<void>((resolve) => {
    for (const signal of SIGNALS) process.on(signal, () => resolve());
  });
  const stopped = new Promise<void>((resolve) => {
    void signalled.then(resolve);
    stdin.once('error', () => resolve());
    const { onclose } = transport;
    transport.onclose = () => {
      onclose?.();
      resolve();
    };
  });
  stdin.pipe(lines.input).pipe(input);
  stdin.once('close', () => lines.input.end());

  await stopped;
  await connection.close();
  // Each call has a bound of its own, and those that paid nothing were cancelled with the connection.
  await Promise.race([wallet.idle(), signalled]);
  wallet.endCalls();
  await within(
    CLOSE_MS,
    wallet.idle().then(() => wallet.close()),
  );
  stdin.destroy();
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return 0;
}
