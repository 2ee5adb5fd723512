import { once } from 'node:events';
import Database from 'better-sqlite3';

/** Holds the write lock of the database that it is given until it is told to let go. */
const db = new Database(JSON.parse(process.argv[2] ?? '') as string);
db.exec('BEGIN IMMEDIATE');
console.log(JSON.stringify('locked'));
await once(process.stdin, 'data');
db.exec('ROLLBACK');
console.log(JSON.stringify('free'));
process.exit();
