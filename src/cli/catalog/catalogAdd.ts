import { addSource } from '../../owner/catalogSources.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Adds a catalogue to those that are searched. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const { url, sources, changed } = await addSource(ownerOptions(call), args[0] ?? '');
  const message = changed
    ? `${url} is one of ${sources.length} catalogues now. Fetch it: ${showLine(commandLine('catalog sync'), io)}`
    : `${url} is one of the catalogues already.`;
  return printReport(io, flags.has('json'), { message, url, changed, sources }, [message]);
}
