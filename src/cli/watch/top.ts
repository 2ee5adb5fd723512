import { setTimeout as pause } from 'node:timers/promises';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { NoticeBook } from '../../ledger/books/notice.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openNotices } from '../../ledger/stores.js';
import { freezeWallet, openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import { cleanLine } from '../../text/untrusted.js';
import type { BalanceLine } from '../../wallet/balance.js';
import type { Engine } from '../../wallet/engine.js';
import { noticeWords } from '../../owner/notices/words.js';
import { isMarkedFrozen } from '../../wallet/freezeMark.js';
import { viewEntry } from '../../wallet/ledgerView.js';
import { readOverview } from '../../wallet/overview.js';
import type { CommandCall } from '../command.js';
import { shortPath } from '../install/clientReport.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { painter } from '../terminal/output/paint.js';
import { widthOf } from '../terminal/output/show.js';
import { untilInterrupted } from '../terminal/wallet.js';
import { countWaiting, openQuietly, readMoney } from './glance.js';
import { layTop, type TopView } from './topScreen.js';

/** How often the ledger is looked at: a person sees a payment as it comes. */
const LOOK_MS = 1_000;
/** How often networks are asked: a public RPC takes that without complaint. */
const MONEY_MS = 10_000;
/** More than fit on any screen. */
const ROWS_MAX = 200;
/** What a terminal is taken for that does not say how high it is, or says nothing: 0. */
const HEIGHT_DEFAULT = 24;

const OTHER_SCREEN = '\u001b[?1049h\u001b[?25l';
const OWN_SCREEN = '\u001b[?25h\u001b[?1049l';
const TO_TOP = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';
const CTRL_C = '\u0003';

/** Shows what happens in the wallet until the person leaves. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home } = call;
  if (io.stdout.isTTY !== true || io.stdin.isTTY !== true) {
    throw new WalletError(
      'bad_input',
      'top is for a terminal. For a program there are status --json and ledger --follow --json.',
    );
  }
  const ledger = await openLedgerWithoutKeys(home);
  const book = openNotices(home, io.now());
  const opened = await openQuietly(call);
  const engine = isWalletError(opened) ? null : opened;
  const shut = isWalletError(opened) ? opened.shortMessage : null;
  const paint = painter(io, io.stdout);
  const leave = new AbortController();
  let confirms = false;
  let notice: string | null = null;
  let draw = (): void => undefined;
  const onKeys = (chunk: Uint8Array | string): void => {
    for (const key of String(chunk)) {
      if (key === CTRL_C || key === 'q') leave.abort();
      else if (confirms && key === 'y') {
        void freezeWallet({ home, now: io.now })
          .then(({ ledgerFault }) => (notice = ledgerFault))
          .catch((error: unknown) => (notice = `Not frozen: ${(error as Error).message}`))
          .finally(() => draw());
      }
      confirms = key === 'f';
    }
    draw();
  };
  io.stdin.setRawMode?.(true);
  io.stdin.on('data', onKeys);
  io.stdin.resume();
  io.stdout.write(OTHER_SCREEN);
  try {
    await untilInterrupted(async (interrupted) => {
      const over = AbortSignal.any([interrupted, leave.signal]);
      let balances: readonly BalanceLine[] | null = null;
      if (engine !== null) void keepMoney(engine, over, (found) => (balances = found));
      while (!over.aborted) {
        const view = await look(call, ledger, engine, book);
        draw = () => {
          const size = { width: widthOf(io.stdout), height: io.stdout.rows || HEIGHT_DEFAULT };
          const frozen = view.frozen || isMarkedFrozen(home);
          const lines = layTop({ ...view, frozen, balances, shut }, size, paint);
          if (notice !== null) lines[lines.length - 1] = paint('red', cleanLine(notice, size.width));
          if (confirms)
            lines[lines.length - 1] = paint(
              'red',
              'Freeze all agents now? y freezes, any other key does not.',
            );
          io.stdout.write(
            `${TO_TOP}${lines.map((line) => line + REST_OF_LINE).join('\r\n')}${REST_OF_SCREEN}`,
          );
        };
        draw();
        await pause(LOOK_MS, undefined, { signal: over }).catch(() => undefined);
      }
    });
  } finally {
    io.stdin.off('data', onKeys);
    io.stdin.setRawMode?.(false);
    io.stdin.pause();
    io.stdout.write(OWN_SCREEN);
    await engine?.close();
    book.close();
    await ledger.close();
  }
  return 0;
}

/** Asks the networks again and again; one that is silent is told as unknown by the balance itself. */
async function keepMoney(
  engine: Engine,
  over: AbortSignal,
  found: (balances: readonly BalanceLine[]) => void,
): Promise<void> {
  while (!over.aborted) {
    try {
      found(await readMoney(engine));
    } catch {
      // What was seen last stays on the screen; the next look tells.
    }
    await pause(MONEY_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

async function look(
  { io, home }: CommandCall,
  ledger: Ledger,
  engine: Engine | null,
  book: NoticeBook,
): Promise<Omit<TopView, 'balances' | 'shut'>> {
  const nowMs = io.now();
  const [overview, page, waiting, unseen] = await Promise.all([
    readOverview(ledger, readConfigUnauthenticated(home), nowMs),
    ledger.listAttempts({}, ROWS_MAX, null),
    engine === null ? null : countWaiting(engine),
    readUnseen(book),
  ]);
  return {
    ...overview,
    home: shortPath(io, home),
    openLine: showLine(commandLine('open'), io),
    fundLine: showLine(commandLine('fund'), io),
    noticesLine: showLine(commandLine('notices'), io),
    unseen,
    nowMs,
    waiting,
    payments: page.attempts.map(viewEntry),
  };
}

async function readUnseen(book: NoticeBook): Promise<TopView['unseen']> {
  const count = await book.unseen();
  const [newest] = count === 0 ? [] : await book.list(1, { unseen: true });
  return newest === undefined ? null : { count, newest: noticeWords(newest) };
}
