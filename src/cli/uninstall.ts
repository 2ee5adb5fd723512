import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { uninstallFrom, type ClientChange } from '../clients/install.js';
import { CONFIG_FILE } from '../config/home.js';
import type { BalanceLine } from '../wallet/balance.js';
import { ownerCommand } from '../wallet/ownerCommand.js';
import { chooseTargets, findTargets, type Target } from './clientChoice.js';
import { changeLines, jsonChanges, printDiffs, shortPath } from './clientReport.js';
import type { CommandCall } from './command.js';
import { printJson, printLines } from './show.js';
import { withWallet } from './wallet.js';

/** Takes our entry out of MCP clients, and says what money is still in the wallet. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const dryRun = flags.has('dryRun');
  const targets = await chosenTargets(call);
  const changes: ClientChange[] = [];
  for (const { client, file } of targets) changes.push(await uninstallFrom(client, file, { dryRun }));
  const isWhole = changes.every(({ change }) => change !== 'refused');
  const money = dryRun ? null : await moneyLeft(call);
  if (flags.has('json')) {
    const message = isWhole ? 'Done.' : 'Not all of it could be done.';
    const fields = { changes: jsonChanges(changes), money_left: money };
    printJson(io, {
      status: isWhole ? 'ok' : 'failed',
      code: isWhole ? 'ok' : 'client_config',
      message,
      ...fields,
    });
    return isWhole ? 0 : 1;
  }
  if (dryRun) printDiffs(io, changes);
  printLines(io.stdout, changes.length === 0 ? ['No client here has it.'] : changeLines(io, changes, dryRun));
  if (!dryRun) printLines(io.stdout, walletLines(call, money));
  return isWhole ? 0 : 1;
}

async function chosenTargets({ io, args, flags }: CommandCall): Promise<readonly Target[]> {
  const names = args.filter((name) => name !== undefined);
  const all = await findTargets(io, names);
  // One that cannot be read may have an entry: it is told, not passed over.
  const having = all.filter(({ entry, fault }) => entry !== undefined || fault !== null);
  if (names.length > 0 || flags.has('yes') || flags.has('dryRun') || having.length === 0) return having;
  return chooseTargets(io, having, 'Take purser out of which? Enter for all, or numbers such as 1,3: ');
}

/** What the chain shows in the wallet: null without a wallet, or where it cannot be told now. */
async function moneyLeft(
  call: CommandCall,
): Promise<
  readonly { readonly on_chain: string; readonly asset: string; readonly network: string }[] | null
> {
  if (!existsSync(join(call.home, CONFIG_FILE))) return null;
  const result = await withWallet(call, (wallet) => wallet.balance({})).catch(() => null);
  if (result?.status !== 'ok') return null;
  const lines = result['balances'] as readonly BalanceLine[];
  if (lines.some(({ on_chain: onChain }) => onChain === null)) return null;
  return lines
    .filter(({ on_chain: onChain }) => /[1-9]/.test(onChain ?? ''))
    .map(({ on_chain: onChain, asset, label }) => ({ on_chain: onChain ?? '', asset, network: label }));
}

function walletLines({ io, home, has }: CommandCall, money: Awaited<ReturnType<typeof moneyLeft>>): string[] {
  if (!existsSync(join(home, CONFIG_FILE))) return [];
  const stays = `The wallet stays, with its keys and its ledger, in ${shortPath(io, home)}.`;
  if (money === null) {
    return ['', stays, `What is in it could not be told now: ${ownerCommand('balance', io)}`];
  }
  if (money.length === 0) return ['', stays, 'There is no money in it.'];
  const sums = money.map(({ on_chain: sum, asset, network }) => `${sum} ${asset} on ${network}`).join(', ');
  const how = has('withdraw')
    ? `Send it back to yourself: ${ownerCommand('withdraw', io)}`
    : `Its words bring it back anywhere: ${ownerCommand('backup', io)}`;
  return ['', stays, `There is money in it: ${sums}.`, how];
}
