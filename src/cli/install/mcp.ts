import type { CommandCall } from '../command.js';
import { serverUrl } from './paidServer.js';
import { tellOutcome } from '../line/line.js';
import { walletOptions } from '../terminal/wallet.js';

/** Stands for a paid MCP server at this process's stdin and stdout. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const url = serverUrl(args[0] ?? '', 'mcp');
  const [{ Wallet }, { standInStdio }] = await Promise.all([
    import('../../wallet/wallet.js'),
    import('../../server/paidMcp/standIn.js'),
  ]);
  const wallet = new Wallet(walletOptions(call), { reconcile: true });
  const maxUsd = flags.text('maxUsd');
  return standInStdio({ url, wallet, maxUsd, tell: (outcome) => tellOutcome(outcome, io) });
}
