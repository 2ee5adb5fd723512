import { COMMIT_POINTS, type CommitPoint } from '../../../src/ledger/commitPoint.js';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { DATABASE_FILE } from '../../../src/ledger/sqlite/sqliteStore.js';
import type { Outcome } from '../../../src/wallet/answer/outcome.js';
import { startWalletProcess } from '../../support/walletProcess.js';
import { ignoreEnd } from '../crew.js';
import type { Blow, Stage } from './blow.js';

const SEC_MS = 1_000;
const HOUR_MS = 3_600 * SEC_MS;
/** How far clocks jump, in ms: from what still counts as right to what no minute of a replay survives (T30). */
const JUMPS_MS = [30 * SEC_MS, 90 * SEC_MS, HOUR_MS, 3 * HOUR_MS, 24 * HOUR_MS, 48 * HOUR_MS];
const SLEEP_HOURS_MAX = 4;
const LEDGER_FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`];

/** How often a clock that was set wrong is set right again; a process that keeps a wrong one pays nothing any more. */
const SET_RIGHT_PERCENT = 90;

/** Sets a process's clock wrong in the middle of whatever it does; mostly somebody sets it right again. */
export const moveClock: Blow = async ({ crew }, random) => {
  const one = await crew.pick(random);
  const errorMs = random.pick(JUMPS_MS) * (random.percent(50) ? 1 : -1);
  await crew.setClock(one, errorMs);
  await delay(random.below(2_000));
  if (random.percent(SET_RIGHT_PERCENT)) await crew.setClock(one, 0);
  return `clock ${errorMs > 0 ? 'ahead' : 'behind'}`;
};

/** The machine sleeps: hours pass for the chains and everybody else, and for the processes in the middle of their work. */
export const sleepHours: Blow = async ({ crew, watch, world, notebook }, random) => {
  notebook.sleeps++;
  const hours = 1 + random.below(SLEEP_HOURS_MAX);
  await crew.sleepAll(async () => {
    await watch.lookNow();
    await world.advance(hours * 3600);
  });
  return 'slept for hours';
};

/** The disk is full at the very moment at which a process writes, and for a while. */
export const fillDisk: Blow = async ({ crew, disk }, random) => {
  if (disk === null) return 'disk that cannot be filled here';
  const point = random.pick(Object.keys(COMMIT_POINTS) as CommitPoint[]);
  const one = await crew.pick(random);
  await one.ask({ do: 'fillDisk', at: { point, when: 'before' }, file: disk.filler }).catch(ignoreEnd);
  const isFull = await disk.untilFull();
  if (isFull) await delay(random.below(600));
  await one.ask({ do: 'spare' }).catch(ignoreEnd);
  disk.makeRoom();
  return isFull ? `disk full at the commit of ${point}` : 'disk to be filled at a commit that never came';
};

/**
 * Puts an older copy of the ledger in the place of the one in use, with every process ended in order: nobody pays under
 * it. Then the right one comes back, and all goes on. A copy that has all that the keystore remembers stays away: a process
 * that was doomed dies before it tells the keystore what it wrote last, and the wallet would take that copy for its ledger.
 */
export const putLedgerBack: Blow = async (stage, random) => {
  const { crew, watch, mine } = stage;
  let code = '';
  await crew.closeAll(async () => {
    watch.stop();
    try {
      const old = stage.oldLedger;
      const isOlder = old !== null && old.seq < rememberedSeq(mine.home);
      if (isOlder) code = await payUnder(stage, old.file);
      if (old === null || random.percent(50)) stage.oldLedger = await copyLedger(mine.home, watch.seq);
    } finally {
      watch.start();
    }
  });
  return code === '' ? 'ledger copied' : `older ledger put back: ${code}`;
};

/** The newest entry of the journal that the keystore remembers. */
function rememberedSeq(home: string): number {
  const { anchor } = JSON.parse(readFileSync(join(home, 'keystore-anchor.json'), 'utf8')) as {
    anchor: [ledgerId: string, seq: number, headHash: string];
  };
  return anchor[1];
}

async function payUnder({ world, mine, crew, broken }: Stage, copy: string): Promise<string> {
  const inHome = (name: string): string => join(mine.home, name);
  const there = LEDGER_FILES.filter((name) => existsSync(inHome(name)));
  for (const name of there) renameSync(inHome(name), `${inHome(name)}.right`);
  try {
    copyFileSync(copy, inHome(DATABASE_FILE));
    const one = await startWalletProcess(mine.home, crew.setup);
    const outcome: Outcome = await one.pay({ url: world.url('/v2/json'), max_usd: '0.05' });
    await one.kill();
    if (outcome.code !== 'ledger_older' || outcome.money !== 'none')
      broken.push(`under an older copy of the ledger a call was ${outcome.code}: ${outcome.message}`);
    return outcome.code;
  } finally {
    for (const name of LEDGER_FILES) rmSync(inHome(name), { force: true });
    for (const name of there) renameSync(`${inHome(name)}.right`, inHome(name));
  }
}

async function copyLedger(home: string, seq: number): Promise<NonNullable<Stage['oldLedger']>> {
  const file = `${home}.old.db`;
  rmSync(file, { force: true });
  const db = new Database(join(home, DATABASE_FILE), { readonly: true });
  await db.backup(file);
  db.close();
  return { file, seq };
}
