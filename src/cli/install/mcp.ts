import { WalletError } from '../../errors/walletError.js';
import type { CommandCall } from '../command.js';
import { tellOutcome } from '../line/line.js';
import { walletOptions } from '../terminal/wallet.js';

/** Stands for a paid MCP server at this process's stdin and stdout. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const url = URL.parse(args[0] ?? '');
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new WalletError('bad_input', 'mcp needs the absolute URL of an MCP server, without a user in it.');
  const [{ Wallet }, { standInStdio }] = await Promise.all([
    import('../../wallet/wallet.js'),
    import('../../server/paidMcp/standIn.js'),
  ]);
  const wallet = new Wallet(walletOptions(call), { reconcile: true });
  const maxUsd = flags.text('maxUsd');
  return standInStdio({ url, wallet, maxUsd, tell: (outcome) => tellOutcome(outcome, io) });
}
