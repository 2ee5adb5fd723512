import { CODES } from '../../errors/codes.js';
import type { SyncReport } from '../../discovery/sync.js';
import { syncSources } from '../../owner/catalogSources.js';
import { DiscoverPlaces } from '../../wallet/discover/discoverPlace.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { CommandCall } from '../command.js';
import type { CliIo } from '../terminal/io.js';
import { exitCodeOf, printJson, printLines, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { untilInterrupted, walletOptions, withWallet } from '../terminal/wallet.js';

/** Faults whose cure is to name the host as one of the owner's own. */
const PRIVATE: readonly (string | null)[] = ['address_refused', 'bad_url'];

/** Fetches the catalogues now, with progress on a terminal. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const began = performance.now();
  const progress = flags.has('json') ? undefined : terminalProgress(io);
  const { reports, listings, bytes } = await untilInterrupted((signal) =>
    withWallet(call, async (wallet) => {
      const places = new DiscoverPlaces(walletOptions(call));
      try {
        const place = await places.open(() => wallet.engine());
        const synced = await syncSources(place, args[0], {
          signal,
          ...(progress === undefined ? {} : { onProgress: progress.show }),
        });
        const stats = place.keeper.catalog().stats();
        return { reports: synced, listings: stats.listings, bytes: stats.databaseBytes };
      } finally {
        await places.close();
      }
    }),
  );
  progress?.end();
  const ms = Math.round(performance.now() - began);
  return report(call, reports, { listings, bytes, ms });
}

function report(
  { io, flags }: CommandCall,
  reports: readonly SyncReport[],
  { listings, bytes, ms }: { listings: number; bytes: number; ms: number },
): number {
  const failed = reports.filter(({ status }) => status === 'failed' || status === 'busy');
  const cutShort = reports.filter(({ status }) => status === 'partial');
  const whole = reports.length - failed.length - cutShort.length;
  const ok = reports.length === 0 || (cutShort.length === 0 && failed.length < reports.length);
  const rest =
    cutShort.length === 0
      ? ''
      : ` ${cutShort.length} ${cutShort.length === 1 ? 'was' : 'were'} cut short and will be gone on with at the next run.`;
  const message =
    reports.length === 0
      ? 'There is no catalogue to fetch; add one.'
      : `${whole} of ${reports.length} catalogues are up to date; ${listings} listings.${rest}`;
  const fields = { status: ok ? 'ok' : 'failed', code: ok ? 'ok' : 'unreachable', message } as const;
  if (flags.has('json')) {
    printJson(io, {
      ...fields,
      sources: reports.map(viewReport),
      listings,
      database_bytes: bytes,
      took_ms: ms,
    });
  } else {
    printLines(io.stdout, layReports(io, reports));
    printLines(io.stdout, [message]);
    const hints = reports.filter(({ reason }) => PRIVATE.includes(reason)).map(({ url }) => hintOf(url));
    if (hints.length > 0) {
      printLines(io.stderr, [
        'If such a catalogue is on your own network, allow its host and port:',
        ...hints.map(
          (hostPort) => `  ${showLine(commandLine('config add', ['net.allow_private', hostPort]), io)}`,
        ),
      ]);
    }
  }
  return ok ? 0 : exitCodeOf(fields);
}

function hintOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === '' ? (protocol === 'http:' ? 80 : 443) : port}`;
}

function viewReport({ url, status, shape, listings, dropped, pages, bytes, reason }: SyncReport) {
  return { url, status, shape, listings, dropped, pages, bytes, why: reason };
}

function layReports(io: CliIo, reports: readonly SyncReport[]): string[] {
  const columns = [
    { title: 'CATALOGUE', flexible: true },
    { title: 'STATUS' },
    { title: 'LISTINGS', align: 'right' },
    { title: 'UNREADABLE', align: 'right' },
    { title: 'WHY' },
  ] as const;
  const rows = reports.map(({ url, status, listings, dropped, reason }) => [
    url,
    status,
    String(listings),
    String(dropped),
    reason === null
      ? ''
      : reason === 'cancelled'
        ? 'It was interrupted.'
        : reason in CODES
          ? CODES[reason as keyof typeof CODES].summary
          : reason,
  ]);
  // A pipe takes rows whole.
  const width = io.stdout.isTTY === true ? widthOf(io.stdout) : Infinity;
  return reports.length === 0 ? [] : layTable(columns, rows, width);
}

/** One line on a terminal that is written over; nothing elsewhere. */
function terminalProgress({ stderr }: CliIo) {
  if (stderr.isTTY !== true) return undefined;
  const seen = new Map<string, number>();
  return {
    show(source: string, listings: number): void {
      seen.set(source, listings);
      const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
      stderr.write(`\r\u001b[KFetching catalogues: ${total} listings from ${seen.size}`);
    },
    end(): void {
      stderr.write('\r\u001b[K');
    },
  };
}
