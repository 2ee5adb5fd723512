import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isDead, thisProcess } from './process.js';

const self = thisProcess();

test('this process lives, and knows when it began', () => {
  expect(self.pid).toBe(process.pid);
  if (process.platform !== 'win32') expect(self.started).not.toBe('unknown');
  expect(isDead(self)).toBe(false);
});

test('a child lives until it was killed', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  const owner = { ...self, pid: child.pid as number, started: 'unknown' };
  expect(isDead(owner)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isDead(owner)).toBe(true);
});

test('a pid that was given to another process since is a dead one’s', () => {
  if (process.platform === 'win32') return;
  expect(isDead({ ...self, pid: process.ppid, started: 'long ago' })).toBe(true);
  // Where the start is not known there is doubt, and doubt means alive.
  expect(isDead({ ...self, pid: process.ppid, started: 'unknown' })).toBe(false);
});

test('the same pid of an earlier life is dead', () => {
  if (process.platform === 'win32') return;
  expect(isDead({ ...self, started: 'long ago' })).toBe(true);
});

test('a machine that booted since has none of its old processes', () => {
  expect(isDead({ ...self, boot: 'boot-before/pid:[1]' })).toBe(true);
});

test('another pid namespace cannot be looked into, so its processes count as alive', () => {
  const [boot] = self.boot.split('/');
  expect(
    isDead({ pid: 2 ** 30, started: 'x', boot: `${boot}/pid:[1]` }, { ...self, boot: `${boot}/pid:[2]` }),
  ).toBe(false);
});

test('a killed process that nobody reaped is dead', async () => {
  if (process.platform !== 'linux') return;
  // The shell's child ends once the shell has become another program, which never looks after children.
  const shell = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  const [line] = (await once(shell.stdout!, 'data')) as [Buffer];
  const owner = { ...self, pid: Number(String(line)), started: 'unknown' };
  try {
    await expect.poll(() => readFileSync(`/proc/${shell.pid}/comm`, 'utf8')).toBe('sleep\n');
    expect(isDead(owner)).toBe(false);
    shell.stdio[3]?.destroy();
    await expect.poll(() => isDead(owner)).toBe(true);
    process.kill(owner.pid, 0);
  } finally {
    shell.kill('SIGKILL');
    await once(shell, 'exit');
  }
});
