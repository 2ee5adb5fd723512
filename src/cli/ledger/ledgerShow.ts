import { WalletError } from '../../errors/walletError.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { labelLine } from '../../payment/labels.js';
import { viewEntry, type EntryView } from '../../wallet/ledgerView.js';
import { outcome, moneyOf, viewPayment, type Outcome } from '../../wallet/answer/outcome.js';
import { openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import type { CommandCall } from '../command.js';
import { exitCodeOf, printOutcome, printLines, printStatus } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';
import { untilInterrupted, withWallet } from '../terminal/wallet.js';

/** Codes of a wallet that cannot be opened now: the ledger is then shown as it stands. */
const LOCKED: readonly string[] = [
  'keystore_locked',
  'keychain_locked',
  'wrong_passphrase',
  'keystore_unavailable',
  'keystore_unreadable',
];

/** Shows one payment; where its end is open and the keys can be had, the chain is asked first. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const payment = await storedPayment(call);
  const isFinal = payment.state === 'released' || (payment.state === 'captured' && payment.confirmed);
  const asked = isFinal ? null : await askChain(call, payment.id);
  const result = asked ?? storedOutcome(payment, isFinal);
  if (flags.has('json')) printOutcome(io, result);
  else {
    const [entry] = result['entries'] as readonly EntryView[];
    if (entry !== undefined) printLines(io.stdout, entryLines(entry));
    printStatus(io, { ...result, payment: null, next: null });
  }
  return exitCodeOf(result);
}

async function storedPayment({ home, args }: CommandCall): Promise<AnyAttempt> {
  const ledger = await openLedgerWithoutKeys(home);
  try {
    const [payment] = (await ledger.listAttempts({ paymentId: args[0] ?? '' }, 1, null)).attempts;
    if (payment === undefined) throw new WalletError('not_found', 'There is no payment by that id.');
    return payment;
  } finally {
    await ledger.close();
  }
}

/** The payment after the chain was asked; null where the wallet is locked. */
async function askChain(call: CommandCall, id: string): Promise<Outcome | null> {
  const result = await untilInterrupted((signal) =>
    withWallet(call, (wallet) => wallet.ledger({ payment_id: id }, { signal })),
  );
  if (result.status === 'ok') return result;
  if (LOCKED.includes(result.code)) return null;
  throw new WalletError(result.code as WalletError['code'], result.message);
}

function storedOutcome(payment: AnyAttempt, isFinal: boolean): Outcome {
  const note = isFinal ? '' : ' The chain was not asked: the wallet is locked.';
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `${payment.id} is ${payment.state}.${note}`,
    money: moneyOf(payment),
    payment: viewPayment(payment),
    entries: [viewEntry(payment)],
  });
}

function entryLines(entry: EntryView): string[] {
  const pairs: [string, string | null][] = [
    ['id', entry.id],
    ['time', entry.time],
    [
      'state',
      entry.state === 'captured' && !entry.confirmed
        ? 'captured, not confirmed by the chain yet'
        : entry.state,
    ],
    ['amount', `$${entry.usd} (${entry.amount_atomic} units of ${entry.asset})`],
    ['network', entry.network],
    ['pay to', entry.pay_to],
    ['tx', entry.tx],
    ['held until', entry.held_until],
    ['call', `${entry.method} ${entry.url}`],
    ['agent', `${entry.agent}, session ${entry.session}`],
    ['note', entry.note],
    ["agent's reason", entry.reason],
    ['labels', labelLine(entry.labels) || null],
  ];
  return layPairs(pairs.filter((pair): pair is [string, string] => pair[1] !== null));
}
