import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** Where Linux lists the connections of this network namespace, and this machine's own address as it writes it there. */
const TABLES = {
  IPv4: { path: '/proc/net/tcp', loopback: '0100007F' },
  IPv6: { path: '/proc/net/tcp6', loopback: '00000000000000000000000001000000' },
} as const;

/**
 * The user at the other end of a connection over loopback: their number; null where the system does not tell, as beyond
 * Linux, or once the other end has closed.
 *
 * Source: proc_pid_net(5) of Linux. A line is `sl local_address rem_address st queues timer retransmits uid …`.
 */
export async function peerUser({ remoteFamily, remotePort, localPort }: Socket): Promise<number | null> {
  if (process.platform !== 'linux' || remotePort === undefined || localPort === undefined) return null;
  const { path, loopback } = TABLES[remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4'];
  const table = await readFile(path, 'latin1').catch(() => '');
  // Their own end of it; ours stands in the list the other way round. Searched, not split: it can be megabytes.
  const ends = `${loopback}:${hex(remotePort)} ${loopback}:${hex(localPort)} `;
  const at = table.indexOf(ends);
  if (at === -1) return null;
  const uid = /^(?:\S+ +){4}(\d+) /.exec(table.slice(at + ends.length, at + ends.length + 100))?.[1];
  return uid === undefined ? null : Number(uid);
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
