import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Where systemd keeps each user's runtime folder: one that only that user can enter. */
const RUNTIME_ROOT = '/run/user';

/**
 * The address of this user's D-Bus session where the environment does not name it, or undefined. Some MCP clients start
 * a server without it, and the Secret Service is reached through it alone.
 */
export function findSessionBus(
  env: Readonly<Record<string, string | undefined>>,
  uid: number | undefined,
  runtimeRoot = RUNTIME_ROOT,
): string | undefined {
  if (uid === undefined || env['DBUS_SESSION_BUS_ADDRESS']) return undefined;
  const path = join(runtimeRoot, String(uid), 'bus');
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isSocket() === true && stats.uid === uid ? `unix:path=${path}` : undefined;
}
