import type { CommandCall } from '../command.js';
import { portOf, tlsOf } from '../install/serve.js';
import { tellOwner } from '../line/line.js';
import { printLines } from '../terminal/output/show.js';
import { walletOptions } from '../terminal/wallet.js';

const PORT_DEFAULT = 4403;

/** Pays for other programs until it is stopped. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const tls = tlsOf(flags);
  const { serveProxy } = await import('../../proxy/serve.js');
  return serveProxy({
    wallet: walletOptions(call),
    binding: { host: flags.text('host'), allowHosts: flags.list('allowHost'), behindProxy: false },
    port: portOf(flags, 'port') ?? PORT_DEFAULT,
    tls,
    tellOwner: (step) => tellOwner(step, io),
    ready: ({ url, token }) => {
      // One line, so that whoever started it reads no more than that.
      if (flags.has('json')) io.stdout.write(`${JSON.stringify({ url, token })}\n`);
      else printLines(io.stdout, [`Paying for programs at ${url}`, `Token: ${token}`]);
    },
  });
}
