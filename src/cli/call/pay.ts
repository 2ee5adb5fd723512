import { WalletError } from '../../errors/walletError.js';
import type { CallContext } from '../../wallet/call/callDeadline.js';
import { askHere } from '../approvals/askHere.js';
import { writeAnswer } from './answerOut.js';
import type { CommandCall } from '../command.js';
import { labelsOf } from './labels.js';
import { readHttpCall, type HttpCall } from './httpCall.js';
import { isInteractive } from '../terminal/io.js';
import { exitCodeOf, printOutcome, printStatus } from '../terminal/output/show.js';
import { untilLeft, withWallet } from '../terminal/wallet.js';

/** Calls a URL and pays if it asks, as `wallet_pay` does. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const { input, ...read } = await payCall(call);
  const work = (signal: AbortSignal, ending: AbortSignal): Promise<number> =>
    withWallet(call, async (wallet) => {
      const asksOwner = isInteractive(io) && !flags.has('json');
      const context: CallContext = {
        ...{ signal, ending },
        ...read,
        client: 'The command line',
        asksOwner,
        ...(io.stderr.isTTY === true ? { progress: (message) => io.stderr.write(`${message}\n`) } : {}),
      };
      let result = await wallet.pay(input, context);
      const id = result.status === 'approval_required' && asksOwner ? result['approval_id'] : null;
      if (typeof id === 'string' && (await askHere(call, await wallet.engine(), id, signal)))
        result = await wallet.pay({ ...timeoutOf(input), approval_id: id }, context);
      if (flags.has('json')) printOutcome(io, result);
      else {
        if (result.response !== null) await writeAnswer(io, await wallet.engine(), result);
        printStatus(io, result);
      }
      return exitCodeOf(result);
    });
  return untilLeft(work, () => io.stderr.write(`${STOPPING}\n`));
}

/** What the first Ctrl-C brings: nobody here knows whether the payment is on its way by then. */
const STOPPING =
  'Stopping: nothing more is sent. If this call has paid already, its answer is read on, as long as the call may take, and stored. Ctrl-C once more leaves it.';

/** What of a call its approval does not stand for. */
function timeoutOf({ timeout_ms: timeoutMs }: Record<string, unknown>): Record<string, unknown> {
  return timeoutMs === undefined ? {} : { timeout_ms: timeoutMs };
}

async function payCall(
  call: CommandCall,
): Promise<Omit<HttpCall, 'input'> & { readonly input: Record<string, unknown> }> {
  const { flags } = call;
  const [url] = call.args;
  const [maxUsd, quoteId] = [flags.text('maxUsd'), flags.text('quote')];
  const approvalId = flags.text('approval');
  if (url === undefined && quoteId === undefined && approvalId === undefined) {
    throw new WalletError('bad_input', 'Name the URL to call, or the quote to pay with --quote ID.');
  }
  if (maxUsd === undefined && quoteId === undefined && approvalId === undefined) {
    throw new WalletError(
      'bad_input',
      'Say the most this call may cost with --max-usd USD, or pay a quote with --quote ID.',
    );
  }
  const named = {
    max_usd: maxUsd,
    quote_id: quoteId,
    approval_id: approvalId,
    idempotency_key: flags.text('idempotencyKey'),
    reason: flags.text('reason'),
    labels: flags.list('label').length === 0 ? undefined : labelsOf(call),
    ...(flags.has('repeat') ? { repeat: true } : {}),
  };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  const { input, ...read } = await readHttpCall(call);
  return { input: { ...input, ...Object.fromEntries(given) }, ...read };
}
