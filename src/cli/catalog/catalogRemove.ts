import { removeSource } from '../../owner/catalogSources.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Takes a catalogue from those that are searched; what it listed is forgotten with the next sync. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const { url, sources, changed } = await removeSource(ownerOptions(call), args[0] ?? '');
  const message = `${url} is no catalogue of this wallet any more; ${sources.length} are left.`;
  return printReport(io, flags.has('json'), { message, url, changed, sources }, [message]);
}
