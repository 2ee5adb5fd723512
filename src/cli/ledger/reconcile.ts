import { viewPayment } from '../../wallet/answer/outcome.js';
import { tellOwner } from '../line/line.js';
import { reconcileAll } from '../../wallet/settle/reconcile.js';
import { cleanLine } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { paymentLine, printReport } from '../terminal/output/show.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';

const SAYS_LENGTH_MAX = 500;

/** Asks the chain about every payment that is still open, and says what came of it. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const verdicts = await untilInterrupted((signal) =>
    withEngine(call, (engine) => reconcileAll(engine, signal)),
  );
  const payments = verdicts.map(
    ({ attempt: payment, verdict, message, retryAtMs, openReason: reason, owner }) => ({
      verdict,
      says: message,
      retry_at: retryAtMs === null ? null : new Date(retryAtMs).toISOString(),
      reason,
      tell_owner: tellOwner(owner, io),
      payment: viewPayment(payment),
    }),
  );
  const waiting = payments.filter(({ verdict }) => verdict === 'waits').length;
  const message =
    payments.length === 0
      ? 'No payment is open.'
      : `${payments.length} looked at, ${payments.length - waiting} settled, ${waiting} still open.`;
  return printReport(io, flags.has('json'), { message, payments }, [
    ...payments.flatMap(({ payment, verdict, says, retry_at: retryAt, tell_owner: tell }) => [
      paymentLine(payment),
      `  ${verdict}: ${cleanLine(says, SAYS_LENGTH_MAX)}${retryAt === null ? '' : ` Look again after ${retryAt}.`}`,
      ...(tell === null ? [] : [`  ${tell}`]),
    ]),
    message,
  ]);
}
