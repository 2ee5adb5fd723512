import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSessionBus } from './sessionBus.js';

const uid = process.getuid?.() ?? 0;
let root: string;
let bus: Server;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'purser-run-'));
  mkdirSync(join(root, String(uid)));
  bus = createServer().listen(join(root, String(uid), 'bus'));
  await once(bus, 'listening');
});

afterAll(() => {
  bus.close();
  rmSync(root, { recursive: true, force: true });
});

describe('the bus of the session', () => {
  it('is found where the environment does not name it', () => {
    expect(findSessionBus({}, uid, root)).toBe(`unix:path=${join(root, String(uid), 'bus')}`);
  });

  it('is left to the environment that names one', () => {
    expect(findSessionBus({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/elsewhere' }, uid, root)).toBeUndefined();
  });

  it('is no file, and nothing of another user', () => {
    mkdirSync(join(root, String(uid + 1)));
    writeFileSync(join(root, String(uid + 1), 'bus'), '');
    expect(findSessionBus({}, uid + 1, root)).toBeUndefined();
    expect(findSessionBus({}, uid + 2, root)).toBeUndefined();
    expect(findSessionBus({}, undefined, root)).toBeUndefined();
  });
});
