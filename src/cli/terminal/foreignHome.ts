import { statSync } from 'node:fs';
import { userFolder } from '../../clients/machine.js';
import { WalletError } from '../../errors/walletError.js';
import type { CliIo } from './io.js';

/**
 * Refuses to run as root by sudo in the home of the user who typed it: what is made there would be root's, and neither that
 * user's wallet nor their clients could read it afterwards. Throws `home_unsafe`.
 */
export function refuseForeignHome(io: CliIo, uid = process.geteuid?.()): void {
  if (uid !== 0 || !io.env['SUDO_UID']) return;
  const home = userFolder(io);
  const owner = statSync(home, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === 0) return;
  throw new WalletError(
    'home_unsafe',
    `This runs as root, by sudo, in ${home}, which belongs to another user; nothing was changed.`,
    { owner: { say: 'Run the same command without sudo: Purser needs no rights but your own.' } },
  );
}
