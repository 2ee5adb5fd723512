import { WalletError } from '../../errors/walletError.js';
import { watchNotices } from '../../owner/notices/noticeWatch.js';
import { notifyDesktop } from '../../web/desktop/notification.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { withEngine } from '../terminal/wallet.js';

/** Sends notices by one channel once more. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [name = ''] = args;
  const from = flags.count('from') ?? 0;
  return withEngine(call, async (engine) => {
    if (!(await engine.config()).notices.kinds.has(name))
      throw new WalletError('not_found', `There is no channel ${name}.`);
    const watch = watchNotices(engine, {
      version: io.version,
      showDesktop: (text) => notifyDesktop({ text, stays: false }, io.env, io.platform),
    });
    const count = await watch.book.replay(name, from, io.now());
    await watch.look();
    const states = await watch.book.channels();
    const { waiting = 0, fault = null } = states.find(({ channel }) => channel === name) ?? {};
    const message =
      waiting === 0
        ? `${count} notices were sent once more by ${name}.`
        : `${count} notices are to be sent once more by ${name}; ${waiting} wait. ${fault ?? ''}`.trim();
    return printReport(io, flags.has('json'), { message, channel: name, replayed: count, waiting }, [
      message,
    ]);
  });
}
