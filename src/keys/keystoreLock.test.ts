import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withKeystoreLock } from './keystoreLock.js';

let home: string;
let lockFile: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'purser-lock-'));
  lockFile = join(home, 'keystore.lock');
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

function tokenOf(owner: { pid: number; host: string }): string {
  return JSON.stringify({ ...owner, id: 'left-behind' });
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
  await Promise.all(Array.from({ length: sections }, async () => await withKeystoreLock(home, enter)));
  return most;
}

describe('the lock of a keystore', () => {
  it('lets one section in at a time and leaves nothing behind', async () => {
    expect(await mostInside(12)).toBe(1);
    expect(await readdir(home)).toEqual([]);
  });

  it('gives back what the section gives, and is free after one that fails', async () => {
    expect(await withKeystoreLock(home, async () => 7)).toBe(7);
    await expect(withKeystoreLock(home, async () => Promise.reject(new Error('inside')))).rejects.toThrow(
      'inside',
    );
    expect(await withKeystoreLock(home, async () => 8)).toBe(8);
  });

  it('is taken over, by one at a time, from a process that died', async () => {
    await writeFile(lockFile, tokenOf({ pid: await deadPid(), host: hostname() }));
    expect(await mostInside(12)).toBe(1);
    expect(await readdir(home)).toEqual([]);
  });

  it('is taken over from an earlier process that had our own pid', async () => {
    await writeFile(lockFile, tokenOf({ pid: process.pid, host: hostname() }));
    expect(await withKeystoreLock(home, async () => 7)).toBe(7);
  });

  it.each([
    ['of a process that lives', tokenOf({ pid: process.ppid, host: hostname() })],
    ['of another host', tokenOf({ pid: 1, host: 'elsewhere.invalid' })],
    ['whose text was never written', ''],
  ])('is taken over by its age alone: one %s', async (_name, token) => {
    await writeFile(lockFile, token);
    let isTaken = false;
    const taken = withKeystoreLock(home, async () => {
      isTaken = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isTaken).toBe(false);
    const longAgo = new Date(Date.now() - 10 * 60_000);
    await utimes(lockFile, longAgo, longAgo);
    await taken;
    expect(isTaken).toBe(true);
  });

  it('tells a section that lost it', async () => {
    const lost = withKeystoreLock(home, async (lock) => {
      await lock.assertHeld();
      await writeFile(lockFile, tokenOf({ pid: 1, host: 'elsewhere.invalid' }));
      await lock.assertHeld();
    });
    await expect(lost).rejects.toMatchObject({ code: 'keystore_unreadable', retry: 'same_call' });
    expect(await readdir(home)).toEqual(['keystore.lock']);
  });
});
