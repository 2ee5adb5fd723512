import { countLightning } from '../../owner/lightningCount.js';
import { viewPayment } from '../../wallet/answer/outcome.js';
import type { CommandCall } from '../command.js';
import { paymentLine, printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Counts an open payment as paid whose Lightning wallet cannot tell its end. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const counted = await countLightning(ownerOptions(call), args[0] ?? '');
  const payment = viewPayment(counted.payment);
  const message =
    counted.kind === 'counted'
      ? `It counts as paid: $${payment.usd}. Its invoice is never paid again.`
      : `The Lightning wallet told its end meanwhile. ${counted.says}`;
  return printReport(io, flags.has('json'), { message, counted: counted.kind === 'counted', payment }, [
    paymentLine(payment),
    message,
  ]);
}
