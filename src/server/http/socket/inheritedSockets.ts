import { WalletError } from '../../../errors/walletError.js';

/** The first descriptor that a service manager hands over, by its protocol (sd_listen_fds). */
const FIRST_FD = 3;
/** A unit with more sockets is a mistake. */
const SOCKETS_MAX = 16;

/**
 * The listening sockets that systemd opened and handed to this process. It keeps them open while the service restarts, so
 * no other program can take the port or the path meanwhile, and clients wait instead of being turned away (T33).
 *
 * Throws `bad_input` for a count that is none.
 */
export function takeInheritedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid = process.pid,
): number[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: text = '0' } = env;
  // What was meant for the program that started this one is not ours.
  if (forPid !== String(pid)) return [];
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= SOCKETS_MAX))
    throw new WalletError('bad_input', `LISTEN_FDS must be a count of at most ${SOCKETS_MAX} sockets.`);
  return Array.from({ length: count }, (_, i) => FIRST_FD + i);
}
