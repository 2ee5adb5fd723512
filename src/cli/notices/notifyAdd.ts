import { WalletError } from '../../errors/walletError.js';
import { addChannel, needsOf } from '../../owner/notices/ownerChannels.js';
import type { CommandCall } from '../command.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { askHidden } from '../terminal/input/prompt.js';
import { isInteractive, readStdin } from '../terminal/io.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** A token or an address of a webhook has some hundred bytes. */
const SECRET_BYTES_MAX = 4_096;

/** Adds a channel. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [name = ''] = args;
  const kind = flags.text('kind');
  if (kind === undefined) throw new WalletError('bad_input', 'Say what the channel is, with --kind.');
  const signingKey = await addChannel(
    ownerOptions(call),
    {
      ...{ name, kind, url: flags.text('url'), to: flags.text('to'), from: flags.text('from') },
      ...{ user: flags.text('user'), tells: flags.text('tells') },
      ...{ escalateMinutes: flags.text('escalateMin'), digestMinutes: flags.text('digestMin') },
    },
    await secretFor(call, kind),
  );
  const next = showLine(commandLine('notify test', [name]), io);
  const message = `The channel ${name} is added. Try it: ${next}`;
  const lines = [
    message,
    ...(signingKey === null
      ? []
      : ['Its receiver checks signatures with this key, which is shown this once:', signingKey]),
  ];
  return printReport(io, flags.has('json'), { message, channel: name, kind, signing_key: signingKey }, lines);
}

async function secretFor({ io, flags }: CommandCall, kind: string): Promise<string | null> {
  const { secret, isOptional } = needsOf(kind);
  const isWanted = !isOptional || flags.has('token') || flags.text('user') !== undefined;
  if (secret === null || !isWanted) return null;
  const given = isInteractive(io)
    ? await askHidden(io, `${secret}: `)
    : await readStdin(io, SECRET_BYTES_MAX);
  if (given === null || given.trim() === '')
    throw new WalletError('bad_input', `Give this by stdin: ${secret}.`);
  return given;
}
