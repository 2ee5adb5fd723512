import { readFile } from 'node:fs/promises';
import { WalletError } from '../../errors/walletError.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { findNetwork } from '../../money/network.js';
import { connectLightning, detailsOf } from '../../owner/ownerLightning.js';
import type { CommandCall } from '../command.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { askHidden } from '../terminal/input/prompt.js';
import { isInteractive, readStdinBytes } from '../terminal/io.js';
import { printLines, printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { isPicture, readQrCode } from './picture.js';

/** A connection string has a few thousand bytes; a picture of a telephone has a few million. */
const GIVEN_BYTES_MAX = 16 * 1024 * 1024;

/** Takes a Lightning wallet into use. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const view = await connectLightning(ownerOptions(call), await givenText(call), {
    network: flags.text('network'),
    leavesOpen: flags.has('leaveOpen'),
    show: (shown) => printLines(io.stderr, [...detailsOf(shown), '']),
  });
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

/** The connection string: from a picture of it, where one is given by its name or by stdin, as text from stdin, or typed. */
async function givenText({ io, flags }: CommandCall): Promise<string> {
  const file = flags.text('qr');
  if (file === undefined && isInteractive(io)) return textOf(await askHidden(io, 'Connection string: '));
  const bytes = file === undefined ? await readStdinBytes(io, GIVEN_BYTES_MAX) : await readPicture(file);
  return textOf(
    bytes !== null && isPicture(bytes) ? await readQrCode(bytes) : (bytes?.toString('utf8') ?? null),
  );
}

async function readPicture(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new WalletError('bad_input', `${path} cannot be read.`, { cause: error });
  });
  if (bytes.length <= GIVEN_BYTES_MAX && isPicture(bytes)) return bytes;
  throw new WalletError('bad_input', `${path} is no PNG or JPEG, or is too large.`);
}

function textOf(text: string | null): string {
  if (text !== null && text.trim() !== '') return text;
  throw new WalletError(
    'bad_input',
    'Give the connection string of the wallet, or a picture of it, by stdin.',
  );
}
