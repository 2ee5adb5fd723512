import { addPasskey } from '../../owner/auth/ownerFactors.js';
import { WalletError } from '../../errors/walletError.js';
import type { CommandCall } from '../command.js';
import { drawQrCode } from '../terminal/output/qrCode.js';
import { printLines } from '../terminal/output/show.js';
import { ownerOptions, untilInterrupted, withEngine } from '../terminal/wallet.js';
import { servePhone } from './phonePage.js';
import { untilAborted } from './phoneServe.js';

/** To fetch the phone, and to make a passkey on it. */
const SCAN_MS = 10 * 60_000;

/** Adds a passkey of the owner's phone, then serves the page to it. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  return untilInterrupted((signal) =>
    withEngine(call, async (engine) => {
      const added = await addPasskey(
        ownerOptions(call),
        { label: flags.text('label') ?? 'phone', owner: flags.text('owner') },
        async (enrolment) => {
          const page = await servePhone(call, engine, signal, { enrolment });
          signal.addEventListener('abort', () => enrolment.close(), { once: true });
          // T33: the address lets in once; the terminal alone shows it, and the code that it asks for.
          const { url } = page.ticket('/passkey', SCAN_MS);
          printLines(io.stdout, [
            'Scan this with your phone:',
            ...(await drawQrCode(url)).split('\n'),
            url,
            `Then type there the code ${enrolment.code}`,
          ]);
          void enrolment.done.finally(() => untilAborted(signal).then(() => page.close()));
        },
      );
      if (added === null) throw new WalletError('cancelled', 'No passkey was added.');
      printLines(io.stdout, [`Added ${added.label}. Your page goes on until Ctrl-C.`]);
      await untilAborted(signal);
      return 0;
    }),
  );
}
