import { WalletError } from '../../errors/walletError.js';
import { carry, NotCarried } from '../../owner/notices/carrier.js';
import { channelsOf } from '../../owner/notices/channel.js';
import { ChannelSecrets } from '../../owner/notices/channelSecrets.js';
import { testMessage } from '../../owner/notices/message.js';
import { notifyDesktop } from '../../web/desktop/notification.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { withEngine } from '../terminal/wallet.js';

/** Sends a test by one channel. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [name = ''] = args;
  return withEngine(call, async (engine) => {
    const config = await engine.config();
    const channel = channelsOf(config).find((one) => one.name === name);
    if (channel === undefined) throw new WalletError('not_found', `There is no channel ${name}.`);
    const { home, keys, closing: signal } = engine;
    const parts = {
      version: io.version,
      showDesktop: (text: string) => notifyDesktop({ text, stays: false }, io.env, io.platform),
      now: io.now,
    };
    const secret = new ChannelSecrets(home, keys).read(name);
    try {
      const message = testMessage(name, config.ownerPage.url === 'none' ? null : config.ownerPage.url);
      await carry(parts, config, channel, secret, message, { id: `test_${io.now()}`, signal });
    } catch (error) {
      if (!(error instanceof NotCarried)) throw error;
      throw new WalletError('unreachable', `The channel ${name} did not take it. ${error.message}`);
    }
    const message = `The channel ${name} took the test.`;
    return printReport(io, flags.has('json'), { message, channel: name }, [message]);
  });
}
