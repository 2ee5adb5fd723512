import { WalletError } from '../../errors/walletError.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { findNetwork } from '../../money/network.js';
import { connectLightning, detailsOf } from '../../owner/ownerLightning.js';
import type { CommandCall } from '../command.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { askHidden } from '../terminal/input/prompt.js';
import { isInteractive, readStdin } from '../terminal/io.js';
import { printLines, printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** A connection string with a certificate has a few thousand bytes. */
const TEXT_BYTES_MAX = 32_768;

/** Takes a Lightning wallet into use. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const text = isInteractive(io)
    ? await askHidden(io, 'Connection string: ')
    : await readStdin(io, TEXT_BYTES_MAX);
  if (text === null || text.trim() === '')
    throw new WalletError('bad_input', 'Give the connection string of the wallet by stdin.');
  const view = await connectLightning(ownerOptions(call), text, flags.text('network'), (shown) =>
    printLines(io.stderr, [...detailsOf(shown), '']),
  );
  const label = findNetwork(view.network)?.label ?? view.network;
  const { networks, rates } = readConfigUnauthenticated(home);
  const next = [
    ...(networks.enabled.some((caip2) => caip2 === view.network)
      ? []
      : [commandLine('config add', ['networks.enabled', view.network])]),
    ...(rates.source.kind === 'none'
      ? [commandLine('config set', ['rates.source', { blank: 'VALUE' }])]
      : []),
  ].map((line) => showLine(line, io));
  const message = `Connected: sellers are paid on ${label} from ${view.alias === '' ? view.wallet : view.alias}.`;
  const lines = [
    message,
    ...(next.length === 0 ? [] : ['Before it pays anything:', ...next.map((line) => `  ${line}`)]),
  ];
  return printReport(io, flags.has('json'), { message, lightning: view, next }, lines);
}
