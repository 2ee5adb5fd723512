import type { Approval, ApprovalInbox } from '../../approvals/inbox.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { openInbox } from '../../owner/approvalInbox.js';
import type { Engine } from '../../wallet/engine.js';
import type { CommandCall } from '../command.js';
import { askHidden, askYes } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';
import { approvalLines } from './approvals.js';
import { openPage } from './ownerPage.js';

/** Who mistypes a passphrase tries again; whoever guesses meets the ledger's own count of tries as well. */
const TRIES_MAX = 3;

/**
 * Puts a question to whoever typed the command that raised it, with the factor. True once it is approved; false where it
 * still waits. Call it at a terminal only.
 *
 * Throws what {@link ApprovalInbox.answer} throws.
 */
export async function askHere(
  call: CommandCall,
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { io } = call;
  const { home, ledger, keys } = engine;
  const configMac = (data: string): Uint8Array => keys.mac('config', data);
  const inbox = openInbox({ home, ledger, configMac, now: io.now, place: 'terminal' });
  const [shown, factors] = await Promise.all([inbox.show(id), inbox.factors()]);
  if (shown?.state !== 'pending' || factors.length === 0) return false;
  printLines(io.stderr, approvalLines(shown));
  if (!(await askYes(io, `Approve $${formatUsd(shown.question.usdMicros)}?`))) return false;
  if (factors.some(({ kind }) => kind === 'passphrase')) return typeFactor(call, inbox, shown);
  const page = await openPage(call, { home, ledger, keys }, `/approvals/${id}`);
  try {
    const answered = await ledger.approvals.waitForAnswer(id, io.now, signal);
    return answered?.state === 'approved';
  } finally {
    await page.close();
  }
}

async function typeFactor({ io }: CommandCall, inbox: ApprovalInbox, shown: Approval): Promise<boolean> {
  const { question, digest } = shown;
  let ask = 'Owner passphrase: ';
  for (let tries = 1; ; tries += 1) {
    const passphrase = await askHidden(io, ask);
    if (passphrase === null || passphrase === '')
      throw new WalletError('cancelled', 'Nothing was answered; it still waits for you.');
    try {
      await inbox.answer(question.approvalId, digest, { kind: 'once' }, { kind: 'passphrase', passphrase });
      return true;
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'factor_wrong' || tries >= TRIES_MAX) throw error;
      ask = `${error.shortMessage} Try again: `;
    }
  }
}
