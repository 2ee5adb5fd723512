import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { uninstallFrom, type ClientChange } from '../../clients/install.js';
import { CONFIG_FILE } from '../../config/home.js';
import { isWalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { chooseTargets, findTargets, type Target } from './clientChoice.js';
import { changeLines, jsonChanges, printDiffs, shortPath } from './clientReport.js';
import type { CommandCall } from '../command.js';
import { serverUrl } from './paidServer.js';
import { printJson, printLines } from '../terminal/output/show.js';
import { lookOptions } from '../terminal/wallet.js';

/** Takes our entry out of MCP clients, and says what money is still in the wallet. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const dryRun = flags.has('dryRun');
  const targets = await chosenTargets(call);
  const changes: ClientChange[] = [];
  for (const { target, names } of targets) {
    const { client, file } = target;
    for (const name of names) {
      changes.push(await uninstallFrom(client, file, { dryRun, ...(name === null ? {} : { name }) }));
    }
  }
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
  printLines(io.stdout, otherLines(io, await findTargets(io, [])));
  if (!dryRun) printLines(io.stdout, walletLines(call, money));
  return isWhole ? 0 : 1;
}

/** What is to be taken out of one file: entries by their names, null for the wallet's own. */
interface Leaving {
  readonly target: Target;
  readonly names: readonly (string | null)[];
}

/** What leaves each client: the entries that stand for the server of `--mcp`, else all of ours. */
async function chosenTargets(call: CommandCall): Promise<readonly Leaving[]> {
  const named = call.flags.text('mcp');
  const url = named === undefined ? null : serverUrl(named, '--mcp').href;
  const leaving = (target: Target): Leaving => {
    const standIns = target.standIns.filter((one) => url === null || one.url === url).map(({ name }) => name);
    const own = url === null && (target.entry !== undefined || target.fault !== null) ? [null] : [];
    return { target, names: [...standIns, ...own] };
  };
  const targets = await havingTargets(call, (target) => leaving(target).names.length > 0);
  return targets.map(leaving);
}

async function havingTargets(
  { io, args, flags }: CommandCall,
  isHaving: (target: Target) => boolean,
): Promise<readonly Target[]> {
  const names = args.filter((name) => name !== undefined);
  const all = await findTargets(io, names);
  // One that cannot be read may have an entry: it is told, not passed over.
  const having = all.filter(isHaving);
  if (names.length > 0 || flags.has('yes') || flags.has('dryRun') || having.length === 0) return having;
  const what = flags.text('mcp') ?? 'purser';
  return chooseTargets(io, having, `Take ${what} out of which? Enter for all, or numbers such as 1,3: `);
}

/** Entries that start Purser and are not the one that install makes: told, and left to who made them. */
function otherLines(io: CommandCall['io'], targets: readonly Target[]): string[] {
  return targets.flatMap(({ client, others }) =>
    others.map(
      ({ name, project, file }) =>
        `${client.label} also starts purser as "${name}"${project === null ? '' : ` in the project ${shortPath(io, project)}`}: take that out by hand in ${shortPath(io, file)}`,
    ),
  );
}

/** Money of one agent on one network; `on_chain` is null where its RPC does not answer. */
interface MoneyLeft {
  readonly agent: string;
  readonly on_chain: string | null;
  readonly asset: string;
  readonly network: string;
}

/**
 * What the chains show at the wallet's addresses, of every agent there ever was, asking nobody for a passphrase. Null without
 * a wallet, or where no address is known.
 */
async function moneyLeft(call: CommandCall): Promise<readonly MoneyLeft[] | null> {
  const { home } = call;
  if (!existsSync(join(home, CONFIG_FILE))) return null;
  const [{ knownAddresses, notedPlaces }, { readConfigUnauthenticated }, { moneyAt }] = await Promise.all([
    import('../../owner/knownAddresses.js'),
    import('../../config/configFile.js'),
    import('../../owner/ownAddresses.js'),
  ]);
  try {
    const config = readConfigUnauthenticated(home);
    const { agents } = await knownAddresses(lookOptions(call));
    if (agents.length === 0) return null;
    const money = agents.map(async ({ agent }) =>
      (await moneyAt(config, notedPlaces(config, agents, agent)))
        .filter(({ onChain }) => onChain === null || /[1-9]/.test(onChain))
        .map(({ onChain, symbol, label }) => ({ agent, on_chain: onChain, asset: symbol, network: label })),
    );
    return (await Promise.all(money)).flat();
  } catch (error) {
    // What is wrong with the wallet keeps no entry in a client.
    if (isWalletError(error)) return null;
    throw error;
  }
}

function walletLines({ io, home, has }: CommandCall, money: Awaited<ReturnType<typeof moneyLeft>>): string[] {
  if (!existsSync(join(home, CONFIG_FILE))) return [];
  const stays = `The wallet stays, with its keys and its ledger, in ${shortPath(io, home)}.`;
  if (money === null) {
    return ['', stays, `What is in it could not be told now: ${showLine(commandLine('balance'), io)}`];
  }
  if (money.length === 0) return ['', stays, 'There is no money in it.'];
  const seen = money.flatMap(({ agent, on_chain: sum, asset, network }) =>
    sum === null
      ? []
      : [`${sum} ${asset} on ${network}${agent === DEFAULT_AGENT ? '' : ` of the agent ${agent}`}`],
  );
  const unseen = [...new Set(money.filter((one) => one.on_chain === null).map(({ network }) => network))];
  const told = [
    ...(seen.length === 0 ? [] : [`There is money in it: ${seen.join(', ')}.`]),
    ...(unseen.length === 0
      ? []
      : [
          `What is on ${unseen.join(' and ')} could not be told now: ${showLine(commandLine('balance'), io)}`,
        ]),
  ];
  const how = has('withdraw')
    ? `Send it back to yourself: ${showLine(commandLine('withdraw'), io)}`
    : `Its words bring it back anywhere: ${showLine(commandLine('backup'), io)}`;
  return ['', stays, ...told, ...(seen.length === 0 ? [] : [how])];
}
