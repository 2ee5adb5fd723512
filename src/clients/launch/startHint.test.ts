import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Machine } from '../machine.js';
import { launchFrom, launchInstalled } from './launch.js';
import { fetchedFrom, startHint } from './startHint.js';
import { launchIn } from './writtenLaunch.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-hint-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const machine = (): Machine => ({
  platform: 'linux',
  env: { HOME: folder },
  execPath: '/usr/bin/node',
  version: '1.2.3',
});
const byNpx = { command: '/usr/bin/env', args: ['npx', '-y', 'purser-mcp@1.2.3'], env: { PATH: '/bin' } };

test('before a server is started, it is known from where npx fetches it, and that others fetch nothing', () => {
  expect(fetchedFrom(byNpx, machine())).toBe('registry.npmjs.org');
  expect(
    fetchedFrom({ ...byNpx, args: ['npx', '-y', 'file:/x/purser-mcp-1.2.3.tgz'] }, machine()),
  ).toBeNull();
  expect(fetchedFrom({ command: '/usr/bin/node', args: ['/x/purser.js'], env: {} }, machine())).toBeNull();
});

test('a registry that does not answer is named, with the proxy that the user’s npm takes, and no token of it', () => {
  expect(startHint(byNpx, '', true, machine())).toMatch(
    /fetches the package from registry\.npmjs\.org, which may not answer/,
  );
  writeFileSync(
    join(folder, '.npmrc'),
    'registry=https://npm.example/\n//npm.example/:_authToken=canary\nhttps-proxy=http://me:canary@proxy.example:3128\n',
  );
  const hint = startHint(byNpx, 'npm error code ECONNREFUSED', false, machine());
  expect(hint).toContain('from npm.example through the proxy proxy.example:3128');
  expect(hint).not.toContain('canary');
});

test('a broken copy of npx is told by its folder', () => {
  const said =
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x' imported from /home/a b/.npm/_npx/deadbeef01/node_modules/y";
  expect(startHint(byNpx, said.replace('/home/a b', '/home/ann'), false, machine())).toContain(
    'remove the folder /home/ann/.npm/_npx/deadbeef01,',
  );
  const windows =
    "Cannot find module 'C:\\Users\\ann\\AppData\\Local\\npm-cache\\_npx\\deadbeef01\\node_modules\\y'";
  expect(startHint(byNpx, windows, false, machine())).toContain(
    'C:\\Users\\ann\\AppData\\Local\\npm-cache\\_npx\\deadbeef01,',
  );
});

test('what is known of neither says nothing', () => {
  expect(startHint(byNpx, 'no wallet', false, machine())).toBeNull();
  expect(startHint({ ...byNpx, args: ['node', 'x.js'] }, '', true, machine())).toBeNull();
});

test('a client shut in by Flatpak has it started outside, and doctor reads it back', () => {
  const file = '/home/ann/.var/app/com.vscodium.codium/config/VSCodium/User/mcp.json';
  const shut = launchFrom(file, byNpx);
  expect(shut).toEqual({
    command: 'flatpak-spawn',
    args: ['--host', '--env=PATH=/bin', '/usr/bin/env', 'npx', '-y', 'purser-mcp@1.2.3'],
    env: {},
  });
  expect(launchIn(shut)).toEqual({ ...byNpx, off: false });
  expect(launchFrom('/home/ann/.config/VSCodium/User/mcp.json', byNpx)).toBe(byNpx);
});

test('an installed package is started by Node’s own path and the path of its program', () => {
  const program = '/usr/local/lib/node_modules/purser-mcp/bin/purser.js';
  const node = { folders: ['/usr/local/bin', '/usr/bin'], passing: false };
  expect(launchInstalled(machine(), node, { env: { PURSER_HOME: '/w' }, program })).toMatchObject({
    command: '/usr/local/bin/node',
    args: [program],
    env: { PURSER_HOME: '/w' },
  });
});
