import { setFlagsFromString } from 'node:v8';
import { WalletError } from '../errors/walletError.js';
import { DesktopReach } from './desktopReach.js';
import { createMcpServer } from '../mcp/server.js';
import type { WalletOptions } from '../wallet/engine.js';
import { settleBinding, type Binding, type BindingOptions } from './http/socket/binding.js';
import { logCall, logInsteadOfPrinting, noteFault, openLog } from './http/operation/callLog.js';
import { startHealthServer } from './http/operation/healthServer.js';
import { startHttpServer, type HttpServer } from './http/httpServer.js';
import type { ListenPlace, TlsFiles } from './http/socket/listener.js';
import { takeInheritedSockets } from './http/socket/inheritedSockets.js';
import { Meters } from './http/operation/meters.js';
import type { RefusalReason } from './http/refusal.js';
import { ServedWallets } from './http/sessions/servedWallets.js';
import { NoticeKeeper } from './noticeKeeper.js';
import { AdminKeeper, type OpenAdmin } from './adminKeeper.js';
import { endSoon } from './endSoon.js';
import { TelemetryKeeper } from './telemetryKeeper.js';
import { OwnerPageKeeper, type ServeOwnerPage } from './ownerPageKeeper.js';
import { within } from './within.js';

/** Calls that run when a signal comes may end by themselves within this: most do, and service runners wait 90 s. */
const FINISH_CALLS_MS = 25_000;
/** Time to write down what became of calls that were cut off. */
const CLOSE_MS = 10_000;

/**
 * How much V8 lets the heap grow before it collects again, in percent. By itself it trades memory for time: a burst of
 * requests took half a gigabyte, of which a tenth was in use.
 */
const HEAP_GROWING_PERCENT = 30;

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** How a wallet is served. */
export interface ServeOptions {
  readonly wallet: WalletOptions;
  readonly binding: Omit<BindingOptions, 'tls'>;
  /** The port of an address, 0 for any that is free; undefined for 4402 where nothing else is named to listen at. */
  readonly port: number | undefined;
  /** The path of a Unix socket to listen at. */
  readonly socket: string | undefined;
  readonly tls: TlsFiles | null;
  /** Where health and metrics are served; null for nowhere. */
  readonly healthPort: number | null;
  readonly metricsToken: string | null;
  /** Serves the owner's page beside the agents; left out for no page. */
  readonly ownerPage?: ServeOwnerPage | undefined;
  /** The owner's side of the wallet, for the admin API; left out for none. */
  readonly admin?: OpenAdmin | undefined;
  /** The log's file; stderr unless given. */
  readonly logFile: string | undefined;
  /** Told once the server can be reached. */
  readonly ready: (at: ServedPlaces) => void;
}

/** Where a server can be reached. */
export interface ServedPlaces {
  /** Of the first address; null if the server listens only at Unix sockets. */
  readonly url: string | null;
  /** Its own Unix socket; null where it has none, or was handed it. */
  readonly socket: string | null;
  readonly healthUrl: string | null;
  /** Of the owner's page; null where it is not served. */
  readonly ownerPageUrl: string | null;
}

const PORT_DEFAULT = 4402;

/**
 * Serves the wallet over HTTP to all its agents until a signal comes; answers the exit code. Calls that run then may
 * finish; those that do not in time are cancelled, and what is known of each payment is written down before this ends.
 * A second signal cancels at once.
 *
 * Throws what opening the wallet throws, `bad_input` for options that do not go together, `unreachable` where the port
 * cannot be had.
 */
export async function serveHttpWallet(options: ServeOptions): Promise<number> {
  const { tls, wallet } = options;
  const binding = settleBinding({ ...options.binding, tls: tls !== null });
  const places = placesOf(options, binding, takeInheritedSockets(wallet.env));
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const log = openLog(options.logFile, wallet.version);
  logInsteadOfPrinting(log);
  const { version, env, platform } = wallet;
  const notices = new NoticeKeeper({ version, env, platform });
  const ownerPage = options.ownerPage === undefined ? null : new OwnerPageKeeper(options.ownerPage);
  const admin = options.admin === undefined ? null : new AdminKeeper(version, options.admin);
  const telemetry = new TelemetryKeeper(version);
  const wallets = new ServedWallets({
    ...wallet,
    behind: (engine) => {
      notices.begin(engine);
      telemetry.over(engine);
      ownerPage?.over(engine);
      admin?.over(engine);
    },
    reach: () => new DesktopReach({ version, env, platform }),
  });
  await wallets.open();
  await telemetry.start();
  let server: HttpServer | null = null;
  const meters = new Meters({
    books: () => wallets.books(),
    connections: async () => (await server?.connections()) ?? 0,
    sessions: () => server?.sessions ?? 0,
    running: () => wallets.running,
    waiting: () => server?.waiting ?? 0,
  });
  const refused = (reason: RefusalReason): void => {
    meters.refused(reason);
    log.debug({ reason }, 'refused');
  };
  server = await startHttpServer({
    binding,
    places,
    tls,
    access: wallets,
    admin: admin === null ? undefined : (request) => admin.fetch(request),
    refused,
    failed: (error) => noteFault(log, error),
    createServer: (agent) =>
      createMcpServer({
        version: wallet.version,
        env: wallet.env,
        platform: wallet.platform,
        wallet: wallets.of(agent),
        tracer: telemetry.tracer === undefined ? undefined : { agent, calls: telemetry.tracer },
        ended: (call) => {
          meters.ended(agent, call);
          notices.noteClient(agent, call.client);
          logCall(log, agent, call);
        },
      }),
  });
  const { healthPort, metricsToken } = options;
  const serving = server;
  // A server that says it cannot start must not go on serving.
  const giveUp = async (error: unknown): Promise<never> => {
    await serving.stop(Promise.resolve());
    await health?.close();
    await wallets.close();
    throw error;
  };
  let health: Awaited<ReturnType<typeof startHealthServer>> | null = null;
  if (healthPort !== null)
    health = await startHealthServer({ binding, port: healthPort, tls, meters, metricsToken }).catch(giveUp);
  const ownerPageUrl = ownerPage === null ? null : await ownerPage.start().catch(giveUp);
  const stopping = signalled();
  const origin = (at: number): string =>
    `http${tls === null ? '' : 's'}://${binding.host.includes(':') ? `[${binding.host}]` : binding.host}:${at}`;
  const address = server.addresses.find((one) => one !== null);
  const url = address === undefined ? null : `${origin(address.port)}/mcp`;
  const socket = options.socket ?? null;
  log.info({ url, socket, owner_page_url: ownerPageUrl }, 'serving');
  const healthUrl = health === null ? null : `${origin(health.port)}/health`;
  options.ready({ url, socket, healthUrl, ownerPageUrl });

  log.info({ signal: await stopping.first, running: wallets.running }, 'stopping');
  await server.stop(within(FINISH_CALLS_MS, Promise.race([wallets.idle(), stopping.second])));
  wallets.endCalls();
  await ownerPage?.close();
  await within(
    CLOSE_MS,
    wallets
      .idle()
      .then(() => telemetry.close())
      .then(() => wallets.close()),
  );
  await health?.close();
  log.info('stopped');
  endSoon();
  return 0;
}

/** Where to listen: at what is named, at what was handed over, and else at the usual port. */
function placesOf(
  { port, socket, tls }: Pick<ServeOptions, 'port' | 'socket' | 'tls'>,
  { host }: Binding,
  inherited: readonly number[],
): ListenPlace[] {
  if (inherited.length > 0 && tls !== null) {
    throw new WalletError(
      'bad_input',
      'Sockets that systemd hands over are served without TLS: put a proxy in front, or let serve listen by itself.',
    );
  }
  const others: ListenPlace[] = [
    ...inherited.map((fd) => ({ kind: 'inherited', fd }) as const),
    ...(socket === undefined ? [] : [{ kind: 'socket', path: socket } as const]),
  ];
  if (others.length > 0 && port === undefined) return others;
  return [{ kind: 'address', host, port: port ?? PORT_DEFAULT }, ...others];
}

/** When the process is told to stop, and told again. */
function signalled(): { readonly first: Promise<NodeJS.Signals>; readonly second: Promise<void> } {
  let again = (): void => undefined;
  const second = new Promise<void>((resolve) => (again = resolve));
  const first = new Promise<NodeJS.Signals>((resolve) => {
    let count = 0;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        count += 1;
        if (count === 1) resolve(signal);
        else again();
      });
    }
  });
  return { first, second };
}
