import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock, type LockRules } from './lock.js';

let home: string;
let lock: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'purser-lock-'));
  lock = join(home, 'some.lock');
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const RULES: LockRules = {
  waitMaxMs: 60_000,
  abandonedAfterMs: 120_000,
  busy: (pids) => new Error(`busy ${pids.join()}`),
  unusable: (cause) => new Error('unusable', { cause }),
};

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

async function leaveBehind(pid: number, host = hostname()): Promise<string> {
  const code = createHash('sha256').update(host).digest('hex').slice(0, 8);
  const file = join(lock, `${pid}-${code}-0011223344556677`);
  await mkdir(lock);
  await writeFile(file, '');
  return file;
}

/** Runs many sections at once and gives the most that were ever inside together. */
async function mostInside(sections: number): Promise<number> {
  let inside = 0;
  let most = 0;
  const enter = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: sections }, async () => await withLock(lock, RULES, enter)));
  return most;
}

describe('a lock', () => {
  it('lets one section in at a time and leaves nothing behind', async () => {
    expect(await mostInside(12)).toBe(1);
    expect(await readdir(home)).toEqual([]);
  });

  it('gives back what the section gives, and is free after one that fails', async () => {
    expect(await withLock(lock, RULES, async () => 7)).toBe(7);
    await expect(withLock(lock, RULES, async () => Promise.reject(new Error('inside')))).rejects.toThrow(
      'inside',
    );
    expect(await withLock(lock, RULES, async () => 8)).toBe(8);
  });

  it('is taken over, by one at a time, from a process that died', async () => {
    await leaveBehind(await deadPid());
    expect(await mostInside(12)).toBe(1);
    expect(await readdir(home)).toEqual([]);
  });

  it('is taken over from an earlier process that had our own pid', async () => {
    await leaveBehind(process.pid);
    expect(await withLock(lock, RULES, async () => 7)).toBe(7);
  });

  it.each([
    ['of a process that lives', process.ppid, hostname()],
    ['of another host', 1, 'elsewhere.invalid'],
  ])('is taken over by its age alone: one %s', async (_name, pid, host) => {
    const file = await leaveBehind(pid, host);
    const impatient = { ...RULES, waitMaxMs: 0 };
    await expect(withLock(lock, impatient, async () => 'in')).rejects.toThrow('busy');
    const longAgo = new Date(Date.now() - 10 * 60_000);
    await utimes(file, longAgo, longAgo);
    const never = { ...impatient, abandonedAfterMs: null };
    await expect(withLock(lock, never, async () => 'in')).rejects.toThrow('busy');
    expect(await withLock(lock, RULES, async () => 'in')).toBe('in');
  });

  it('tells a section that lost it, and leaves the lock of whoever took it', async () => {
    const seen: boolean[] = [];
    await withLock(lock, RULES, async ({ isHeld }) => {
      seen.push(await isHeld());
      await rm(lock, { recursive: true });
      await leaveBehind(1, 'elsewhere.invalid');
      seen.push(await isHeld());
    });
    expect(seen).toEqual([true, false]);
    expect(await readdir(home)).toEqual(['some.lock']);
  });

  it('says what a file system that takes no lock says', async () => {
    const nowhere = join(home, 'missing', 'some.lock');
    await expect(withLock(nowhere, RULES, async () => 'in')).rejects.toThrow('unusable');
  });
});
