import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms, startSecretService, type SecretService } from '../keychain/secretService.js';
import {
  COMPILED,
  makeScratch,
  noTerminal,
  openTerminal,
  PROGRAM,
  runToEnd,
  type Run,
  type Scratch,
} from './program.js';

const why = missingPrograms();
/** Only root can have a /run of its own, which is thrown away with the process. */
const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

/** The program in a place of its own, where `prepare` laid out an empty /run; as it is where nothing can be mounted. */
function asIn(prepare: string, ...args: string[]): [string, string[]] {
  const program = [process.execPath, PROGRAM, ...args];
  if (!canMount) return [program[0] ?? '', program.slice(1)];
  const script = `mount -t tmpfs none /run && ${prepare === '' ? 'true' : prepare} && exec "$@"`;
  return ['unshare', ['-m', 'sh', '-c', script, 'sh', ...program]];
}

describe.skipIf(why !== null)(`with a real keychain${why === null ? '' : ` (skipped: ${why})`}`, () => {
  let service: SecretService;
  let scratch: Scratch;
  beforeAll(async () => {
    service = await startSecretService();
    scratch = makeScratch();
  });
  afterAll(async () => {
    scratch.remove();
    await service.end();
  });

  const env = (): Record<string, string> => ({
    ...(service.env as Record<string, string>),
    PURSER_HOME: scratch.home,
  });
  const purser = (...args: string[]): Promise<Run> => scratch.purser(args, { env: env() });

  it('init keeps the keys there unless told otherwise, and no file holds them', async () => {
    const made = await purser('init', '--yes', '--testnet', '--json');
    expect(made).toMatchObject({ exit: 0, err: '' });
    expect(JSON.parse(made.out)).toMatchObject({ made: 'new', keystore: 'keychain' });
    const { address } = JSON.parse((await purser('address', '--json')).out) as { address: string };
    expect(JSON.parse(made.out)).toMatchObject({ address });
    expect(await purser('init', '--yes', '--testnet')).toMatchObject({ exit: 6 });
  });

  /** What Codex hands to a server: neither the session's bus nor the folder that it is in. */
  const bare = (): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: scratch.folder,
    XDG_CACHE_HOME: COMPILED,
    PURSER_HOME: scratch.home,
  });

  it('a client that passes no bus along: it is told, and nothing says to make the wallet anew', async () => {
    for (const [command, exit] of [
      ['balance', 6],
      // What needs no keys is shown, unproved, with the same reason.
      ['address', 0],
    ] as const) {
      const run = await runToEnd(spawn(...asIn('', command), { env: bare(), stdio: 'pipe' }));
      expect(run.exit, command).toBe(exit);
      expect(run.err, command).toContain('this process cannot reach it');
      expect(run.err, command).not.toMatch(/ init\b/);
      expect(run.err, command).toContain('DBUS_SESSION_BUS_ADDRESS');
    }
  });

  it.skipIf(!canMount)('and where the user’s bus is at its usual place, the wallet opens by it', async () => {
    const socket = /unix:path=([^,]+)/.exec(service.env.DBUS_SESSION_BUS_ADDRESS ?? '')?.[1] ?? '';
    const place = `mkdir -p /run/user/0 && : > /run/user/0/bus && mount --bind '${socket}' /run/user/0/bus`;
    const run = await runToEnd(spawn(...asIn(place, 'address', '--json'), { env: bare(), stdio: 'pipe' }));
    expect(run).toMatchObject({ exit: 0, err: '' });
    expect(JSON.parse(run.out)).toMatchObject({ status: 'ok' });
  });

  it('tightening needs nobody, loosening a terminal', async () => {
    expect(await purser('config', 'set', 'limits.per_day_usd', '3')).toMatchObject({ exit: 0 });
    const refused = await purser('config', 'set', 'limits.per_day_usd', '4', '--json');
    expect(refused.exit).toBe(3);
    expect(JSON.parse(refused.out)).toMatchObject({ code: 'owner_proof_needed' });
    // A passphrase file proves nothing about a keychain.
    expect(
      await purser('config', 'set', 'limits.per_day_usd', '4', '--passphrase-file', scratch.passphraseFile),
    ).toMatchObject({ exit: 3 });
    expect(await purser('freeze')).toMatchObject({ exit: 0 });
    expect(await purser('unfreeze')).toMatchObject({ exit: 3 });
  });

  it.skipIf(noTerminal() !== null)('the owner loosens and unfreezes on a terminal', async () => {
    for (const args of [['unfreeze'], ['config', 'set', 'limits.per_day_usd', '4']]) {
      const { exit, screen } = await openTerminal(args, scratch.env(env())).end();
      expect(exit, screen).toBe(0);
    }
    expect(JSON.parse((await purser('limits', '--json')).out)).toMatchObject({ frozen: false });
  });

  it('a folder that was deleted is no fresh start (T29)', async () => {
    rmSync(scratch.home, { recursive: true });
    const run = await purser('init', '--yes', '--testnet', '--json');
    expect(run.exit).toBe(3);
    expect(JSON.parse(run.out)).toMatchObject({ code: 'owner_proof_needed' });
    expect(existsSync(join(scratch.home, 'config.json'))).toBe(false);
    expect(existsSync(join(scratch.home, 'purser.db'))).toBe(false);
  });

  it.skipIf(noTerminal() !== null)(
    'its owner gets the settings back, and the way to the ledger',
    async () => {
      const init = openTerminal(['init', '--yes', '--testnet'], scratch.env(env()));
      const { exit, screen } = await init.end();
      expect(exit, screen).toBe(6);
      expect(screen).toContain('ledger rebuild');
      expect(existsSync(join(scratch.home, 'purser.db'))).toBe(false);
      // Before, this sent back to init, and init here.
      const rebuild = await purser('ledger', 'rebuild', '--json');
      expect(JSON.parse(rebuild.out)).toMatchObject({ code: 'owner_proof_needed' });
      expect(await purser('config', 'get', 'limits.per_day_usd')).toMatchObject({ exit: 0 });
    },
  );

  it('a locked one is told as locked', async () => {
    service.lock();
    const run = await purser('init', '--yes', '--testnet', '--json');
    expect(run.exit).toBe(6);
    expect(JSON.parse(run.out)).toMatchObject({ code: 'keychain_locked' });
  });
});
