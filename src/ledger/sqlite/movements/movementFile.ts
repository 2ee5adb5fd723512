import type Database from 'better-sqlite3';
import type { MoneyPlace, Movement, MovementBook, SearchedSpan } from '../../books/movement.js';
import { openSideFile } from '../file/sideFile.js';

/** One more whenever the tables change: a file of another version is made anew, and the chains are read again. */
const VERSION = 1;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS spans (
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  address TEXT NOT NULL,
  from_block INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_block INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  balance_atomic TEXT,
  read_by TEXT NOT NULL,
  is_whole INTEGER NOT NULL,
  unread TEXT NOT NULL,
  PRIMARY KEY (network, asset, address, to_block)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS movements (
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  address TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  other TEXT NOT NULL,
  amount_atomic TEXT NOT NULL,
  tx TEXT NOT NULL,
  block INTEGER NOT NULL,
  place INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  is_protocol INTEGER NOT NULL,
  PRIMARY KEY (network, asset, address, tx, place, direction)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS movements_by_time ON movements (network, asset, at_ms);
CREATE INDEX IF NOT EXISTS movements_in ON movements (at_ms) WHERE direction = 'in';
`;

type Row = Readonly<Record<string, bigint | string | null>>;

/**
 * Opens the book in a file of its own beside the ledger; one that is missing, damaged or of another version is made anew.
 * Throws `home_unusable`, `disk_full`.
 */
export function openMovementFile(path: string): MovementBook {
  // It can all be read again: a power cut may lose the last look.
  return openSideFile(path, { version: VERSION, schema: SCHEMA }, bookOf);
}

function bookOf(db: Database.Database): MovementBook {
  const last = db.prepare(
    'SELECT * FROM spans WHERE network = ? AND asset = ? AND address = ? ORDER BY to_block DESC LIMIT 1',
  );
  const spans = db.prepare('SELECT * FROM spans WHERE network = ? AND asset = ? ORDER BY to_block');
  const movements = db.prepare(
    'SELECT * FROM movements WHERE network = ? AND asset = ? AND at_ms >= ? ORDER BY block, place',
  );
  const newestIn = db.prepare(`SELECT * FROM movements WHERE direction = 'in' ORDER BY at_ms DESC LIMIT ?`);
  const addSpan = db.prepare('INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const dropSpan = db.prepare(
    'DELETE FROM spans WHERE network = ? AND asset = ? AND address = ? AND to_block = ?',
  );
  const addMovement = db.prepare('INSERT OR IGNORE INTO movements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const lastSpan = ({ network, asset, address }: MoneyPlace): SearchedSpan | null => {
    const row = last.get(network, asset, address) as Row | undefined;
    return row === undefined ? null : spanOf(row);
  };
  const keep = db.transaction((span: SearchedSpan, found: readonly Movement[]) => {
    const before = lastSpan(span);
    if (before !== null && before.toBlock >= span.fromBlock) return;
    let kept = span;
    if (before !== null && continues(before, span, found)) {
      dropSpan.run(before.network, before.asset, before.address, before.toBlock);
      kept = { ...span, fromBlock: before.fromBlock, fromMs: before.fromMs };
    }
    addSpan.run(
      ...[kept.network, kept.asset, kept.address, kept.fromBlock, kept.fromMs, kept.toBlock, kept.toMs],
      ...[kept.balanceAtomic?.toString() ?? null, JSON.stringify(kept.readBy), kept.isWhole ? 1 : 0],
      JSON.stringify(kept.unread),
    );
    for (const one of found)
      addMovement.run(
        ...[one.network, one.asset, one.address, one.direction, one.other, one.amountAtomic.toString()],
        ...[one.tx, one.block, one.index, one.atMs, one.isProtocol ? 1 : 0],
      );
  });
  return {
    lastSpan,
    spans: (network, asset) => (spans.all(network, asset) as Row[]).map(spanOf),
    movements: (network, asset, sinceMs) => (movements.all(network, asset, sinceMs) as Row[]).map(movementOf),
    newestIn: (limit) => (newestIn.all(limit) as Row[]).map(movementOf),
    keep: (span, found) => keep.immediate(span, found),
    close: () => void db.close(),
  };
}

/**
 * Whether a span says no more than that the one before it went on: the same was read, and both ends and what moved between
 * add up. Where they do not, both stay, and a statement says what is not explained between the two.
 */
function continues(before: SearchedSpan, after: SearchedSpan, found: readonly Movement[]): boolean {
  if (before.toBlock + 1n !== after.fromBlock || before.isWhole !== after.isWhole) return false;
  if (before.unread.length > 0 || after.unread.length > 0) return false;
  if (before.readBy.join(' ') !== after.readBy.join(' ')) return false;
  if (before.balanceAtomic === null || after.balanceAtomic === null) return false;
  const moved = found.reduce(
    (sum, { direction, amountAtomic }) => (direction === 'in' ? sum + amountAtomic : sum - amountAtomic),
    0n,
  );
  return before.balanceAtomic + moved === after.balanceAtomic;
}

function placeOf(row: Row): MoneyPlace {
  return {
    network: String(row['network']),
    asset: String(row['asset']),
    address: String(row['address']),
  };
}

function spanOf(row: Row): SearchedSpan {
  const balance = row['balance_atomic'];
  return {
    ...placeOf(row),
    fromBlock: row['from_block'] as bigint,
    fromMs: Number(row['from_ms']),
    toBlock: row['to_block'] as bigint,
    toMs: Number(row['to_ms']),
    balanceAtomic: balance === null ? null : BigInt(balance as string),
    readBy: JSON.parse(String(row['read_by'])) as string[],
    isWhole: row['is_whole'] === 1n,
    unread: JSON.parse(String(row['unread'])) as string[],
  };
}

function movementOf(row: Row): Movement {
  return {
    ...placeOf(row),
    direction: row['direction'] as Movement['direction'],
    other: String(row['other']),
    amountAtomic: BigInt(row['amount_atomic'] as string),
    tx: String(row['tx']),
    block: row['block'] as bigint,
    index: Number(row['place']),
    atMs: Number(row['at_ms']),
    isProtocol: row['is_protocol'] === 1n,
  };
}
