import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownerCommand, tellOwner } from './ownerCommand.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-path-'));
  writeFileSync(join(folder, 'purser'), '#!/bin/sh\n');
  chmodSync(join(folder, 'purser'), 0o755);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const place = (env: Record<string, string>, platform: NodeJS.Platform = 'linux') => ({
  env,
  platform,
  version: '1.2.3',
});

test('names the program where it is on PATH, else the very version that runs', () => {
  expect(ownerCommand('unfreeze', place({ PATH: `/nowhere:${folder}` }))).toBe('purser unfreeze');
  expect(ownerCommand('unfreeze', place({ PATH: '/nowhere' }))).toBe('npx -y purser-mcp@1.2.3 unfreeze');
  expect(ownerCommand('unfreeze', place({}))).toBe('npx -y purser-mcp@1.2.3 unfreeze');
});

test('names the home where it is not the default one, quoted for a shell where it has to be', () => {
  const PATH = folder;
  expect(ownerCommand('init', place({ PATH, PURSER_HOME: '/srv/w' }))).toBe('PURSER_HOME=/srv/w purser init');
  expect(ownerCommand('init', place({ PATH, PURSER_HOME: "/my wallet's; rm -rf ~" }))).toBe(
    `PURSER_HOME='/my wallet'\\''s; rm -rf ~' purser init`,
  );
});

test('says what there is to say with its command, or without one, or nothing', () => {
  const here = place({ PATH: folder });
  expect(tellOwner({ say: 'It is frozen.', command: 'unfreeze' }, here)).toBe(
    'It is frozen. Run: purser unfreeze',
  );
  expect(tellOwner({ say: 'Make room on the disk.' }, here)).toBe('Make room on the disk.');
  expect(tellOwner(undefined, here)).toBeNull();
});
