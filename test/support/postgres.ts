import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import type { PostgresPlace } from '../../src/ledger/postgres/place.js';

const PASSWORD = 'of the tests';
/** A disk in memory, where there is one. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** How each cluster is made, beside where and with which password. */
const INITDB = ['-U', 'purser', '-A', 'scram-sha-256', '-N'];
/** Where a new cluster is kept to be copied. */
const KEPT = fileURLToPath(new URL('../../node_modules/.cache/purser-test/', import.meta.url));

/** Where Debian keeps the programs of the newest PostgreSQL, or null. */
function programs(): string | null {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return null;
  const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return newest === undefined ? null : join(root, newest, 'bin');
}

/** Why tests with a PostgreSQL of their own are left out here, or null where they run. */
export const NO_POSTGRES =
  programs() === null ? 'needs the programs of PostgreSQL: apt-get install postgresql' : null;

/** A PostgreSQL server of the tests' own, gone when it is stopped. Its disk is memory where there is one. */
export class TestPostgres {
  readonly #bin: string;
  readonly #user: { uid?: number; gid?: number };
  readonly folder: string;
  readonly port: number;
  #server: ChildProcess | null = null;
  #certificates = 0;

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin;
    this.folder = folder;
    this.port = port;
    this.#user = userToRunAs();
  }

  /** Makes a new cluster and starts it; in memory, unless a folder says where its disk is. */
  static async start(settings: Readonly<Record<string, string>> = {}, disk = MEMORY): Promise<TestPostgres> {
    const server = await TestPostgres.#prepare(disk);
    const passwordFile = server.passwordFile;
    writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    server.#own(passwordFile);
    server.#makeCluster();
    await server.begin(settings);
    return server;
  }

  /** Makes a cluster, or copies one that was never started: making takes a second of work, copying a tenth of that. */
  #makeCluster(): void {
    const kept = join(KEPT, this.#clusterName());
    if (existsSync(kept)) return copyFolder(kept, this.#data);
    this.#run('initdb', '-D', this.#data, `--pwfile=${this.passwordFile}`, ...INITDB);
    mkdirSync(KEPT, { recursive: true });
    const unfinished = `${kept}.${process.pid}`;
    copyFolder(this.#data, unfinished);
    try {
      renameSync(unfinished, kept);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      // Another worker of the tests was there first.
      if (!existsSync(kept)) throw error;
    }
  }

  /** One for all that a new cluster depends on: the programs, who runs them, how they are asked, and the locale. */
  #clusterName(): string {
    const locale = Object.entries(process.env).filter(([name]) => /^(LANG|LC_.*)$/.test(name));
    const facts = [this.#bin, this.#user.uid ?? process.getuid?.(), INITDB, PASSWORD, locale.sort()];
    const hash = createHash('sha256').update(JSON.stringify(facts)).digest('hex');
    return `postgres-${hash.slice(0, 16)}`;
  }

  /** A standby of this server, following it as `name`. */
  async standby(name: string, settings: Readonly<Record<string, string>> = {}): Promise<TestPostgres> {
    const standby = await TestPostgres.#prepare();
    writeFileSync(standby.passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    standby.#own(standby.passwordFile);
    const from = `host=127.0.0.1 port=${this.port} user=purser password='${PASSWORD}' application_name=${name}`;
    standby.#run('pg_basebackup', '-D', standby.#data, '-R', '-X', 'stream', '-c', 'fast', '-d', from);
    await standby.begin(settings);
    return standby;
  }

  static async #prepare(disk = MEMORY): Promise<TestPostgres> {
    const bin = programs();
    if (bin === null) throw new Error('There is no PostgreSQL here');
    const folder = mkdtempSync(join(disk, 'purser-postgres-'));
    const server = new TestPostgres(bin, folder, await freePort());
    server.#own(folder);
    return server;
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  get passwordFile(): string {
    return join(this.folder, 'password');
  }

  /** Starts the server that was stopped. */
  async begin(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      ...{ port: String(this.port), listen_addresses: '127.0.0.1', unix_socket_directories: this.folder },
      ...{ max_connections: '200', shared_buffers: '64MB', log_min_messages: 'panic', ...settings },
    };
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#server = spawn(join(this.#bin, 'postgres'), ['-D', this.#data, ...args], {
      ...this.#user,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const server = this.#server;
    while (!(await this.#answers())) {
      if (server.exitCode !== null) throw new Error('PostgreSQL did not start');
      await delay(20);
    }
  }

  /** Stops it as a power cut does: nothing is finished, nobody is told. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  /** Ends it, and removes all of it. */
  async stop(): Promise<void> {
    await this.#end('SIGQUIT');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes a standby the primary. */
  promote(): void {
    this.#run('pg_ctl', 'promote', '-w', '-D', this.#data);
  }

  /** Has the server stand still, or go on: as a machine that is paused. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.#server?.pid;
    if (pid === undefined) throw new Error('The server does not run');
    process.kill(pid, signal);
  }

  /** Has the server offer TLS from here on, with a certificate. */
  async useTls({ cert, key }: { readonly cert: string; readonly key: string }): Promise<void> {
    const [certFile, keyFile] = ['cert', 'key'].map((name) =>
      join(this.folder, `${name}${this.#certificates}.pem`),
    ) as [string, string];
    this.#certificates += 1;
    for (const [path, text] of [
      [certFile, cert],
      [keyFile, key],
    ] as const) {
      writeFileSync(path, text, { mode: 0o600 });
      this.#own(path);
    }
    await this.query(`ALTER SYSTEM SET ssl_cert_file TO '${certFile}'`);
    await this.query(`ALTER SYSTEM SET ssl_key_file TO '${keyFile}'`);
    await this.query('ALTER SYSTEM SET ssl TO on');
    await this.query('SELECT pg_reload_conf()');
    // A session that began before the server had read it is of before.
    for (;;) {
      const [row] = await this.query<{ file: string }>(`SELECT current_setting('ssl_cert_file') AS file`);
      if (row?.file === certFile) return;
      await delay(20);
    }
  }

  /** Where a ledger in a schema of this server stands. */
  place(schema: string): PostgresPlace {
    const { port, passwordFile } = this;
    return {
      host: '127.0.0.1',
      port,
      user: 'purser',
      database: 'postgres',
      schema,
      passwordFile,
      caFile: null,
    };
  }

  /** Runs one statement as the database's owner. */
  async query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client(this.#login());
    await client.connect();
    try {
      return (await client.query(text, values)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  #login() {
    return { host: '127.0.0.1', port: this.port, user: 'purser', database: 'postgres', password: PASSWORD };
  }

  async #answers(): Promise<boolean> {
    const client = new Client(this.#login());
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await ended;
  }

  #run(program: string, ...args: string[]): void {
    execFileSync(join(this.#bin, program), args, {
      ...this.#user,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  #own(path: string): void {
    const { uid, gid } = this.#user;
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
  }
}

/** PostgreSQL refuses to run as root. */
function userToRunAs(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** With owners and modes: PostgreSQL runs on no folder that others could read. */
function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to], { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}
