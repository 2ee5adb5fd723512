import { readConfigUnauthenticated } from '../../config/configFile.js';
import { clientWords, noticeWords } from '../../owner/notices/words.js';
import { openNotices } from '../../ledger/stores.js';
import type { Notice } from '../../ledger/books/notice.js';
import { formatUsd } from '../../money/decimal.js';
import { localMinute } from '../../text/localTime.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** More than anybody reads in one go. */
const SHOWN_MAX = 100;

/** Shows what the owner was told. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  // Says so where there is no wallet: nothing is made in its place.
  readConfigUnauthenticated(home);
  const book = openNotices(home, io.now());
  try {
    const notices = await book.list(SHOWN_MAX, { unseen: flags.has('unseen') });
    const newest = notices[0]?.seq;
    if (flags.has('seen') && newest !== undefined) await book.markSeen({ upTo: newest }, io.now());
    const unseen = await book.unseen();
    const message =
      notices.length === 0 ? 'There are no notices.' : `${notices.length} of the newest notices.`;
    const lines = notices.length === 0 ? [message] : notices.map(lineOf);
    return printReport(io, flags.has('json'), { message, unseen, notices: notices.map(viewOf) }, lines);
  } finally {
    book.close();
  }
}

function lineOf(notice: Notice): string {
  const client = clientWords(notice);
  const words = `${noticeWords(notice)}${client === null ? '' : ` It calls itself "${client}".`}`;
  return `${localMinute(new Date(notice.atMs).toISOString())}  ${notice.seenMs === null ? '*' : ' '} ${words}`;
}

function viewOf(notice: Notice): object {
  const { seq, kind, atMs, agent, host, usdMicros, subject, seenMs } = notice;
  return {
    ...{ seq, kind, at: new Date(atMs).toISOString(), text: noticeWords(notice), agent, host },
    usd: usdMicros === null ? null : formatUsd(usdMicros),
    ...{ subject, seen: seenMs !== null, client: clientWords(notice) },
  };
}
