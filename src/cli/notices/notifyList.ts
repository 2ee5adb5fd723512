import { readConfigUnauthenticated } from '../../config/configFile.js';
import { openNotices } from '../../ledger/stores.js';
import { channelsOf } from '../../owner/notices/channel.js';
import { placeWords } from '../../owner/notices/ownerChannels.js';
import { localMinute } from '../../text/localTime.js';
import type { CommandCall } from '../command.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { printReport } from '../terminal/output/show.js';

/** Lists the owner's channels. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  const channels = channelsOf(readConfigUnauthenticated(home));
  const book = openNotices(home, io.now());
  const known = await book.channels().finally(() => void book.close());
  const states = new Map(known.map((state) => [state.channel, state]));
  const iso = (ms: number | null | undefined): string | null =>
    ms === null || ms === undefined ? null : new Date(ms).toISOString();
  const views = channels.map((channel) => {
    const state = states.get(channel.name);
    return {
      ...{ name: channel.name, kind: channel.kind, place: placeWords(channel), tells: channel.tells },
      ...{ escalate_min: channel.escalateMinutes, digest_min: channel.digestMinutes },
      ...{ waiting: state?.waiting ?? 0, sent: iso(state?.sentMs), failed: iso(state?.failedMs) },
      fault: state?.fault ?? null,
    };
  });
  const add = showLine(commandLine('notify add', [{ blank: 'NAME' }], { '--kind': { blank: 'KIND' } }), io);
  const message = views.length === 0 ? `No channels yet. To add one: ${add}` : `${views.length} channels.`;
  const lines = views.map(
    ({ name, kind, place, fault, sent }) =>
      `${name}  ${kind}  ${place}  ${fault ?? (sent === null ? 'nothing sent yet' : `works, last ${localMinute(sent)}`)}`,
  );
  return printReport(
    io,
    flags.has('json'),
    { message, channels: views },
    lines.length === 0 ? [message] : lines,
  );
}
