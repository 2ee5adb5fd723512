import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { rightsHint } from './fileSystem.js';

test.each([
  ['a folder of Windows under WSL', 0x01021997, /9p.*WSL/],
  ['a memory stick', 0x4d44, /FAT/],
  // The kernel's number comes signed from some builds of Node.
  ['a share', 0xff534d42 | 0, /SMB/],
])('where chmod may do nothing, on %s, it is said why and where to go', (_what, type, name) => {
  const hint = rightsHint('/mnt/c/wallet', () => type);
  expect(hint).toMatch(name);
  expect(hint).toContain('PURSER_HOME');
});

test('a disk of this system, and one that cannot be looked at, get no such word', () => {
  expect(rightsHint(tmpdir())).toBe('');
  expect(rightsHint('/nowhere/at/all')).toBe('');
});
