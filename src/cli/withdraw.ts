import { WalletError } from '../errors/walletError.js';
import { isLive, type Payment } from '../ledger/payment.js';
import { formatUnits, formatUsd, parseUsd } from '../money/decimal.js';
import { findAsset } from '../money/asset.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import { Engine } from '../wallet/engine.js';
import { moneyOf, viewPayment } from '../wallet/outcome.js';
import { ownerCommand } from '../wallet/ownerCommand.js';
import { unlockAsOwner, type OwnerWish } from '../wallet/ownerHand.js';
import { withdraw, type Withdrawn } from '../wallet/withdraw.js';
import type { WithdrawalPlan, WithdrawalWish } from '../wallet/withdrawPlan.js';
import { cleanLine } from '../x402/untrusted.js';
import type { CommandCall } from './command.js';
import { isInteractive, type CliIo } from './io.js';
import { askYes } from './prompt.js';
import { exitCodeOf, printJson, printLines } from './show.js';
import { layPairs } from './table.js';
import { ownerOptions, untilInterrupted, walletOptions } from './wallet.js';

/** Finer dollars than these cannot be told apart. */
const USD_TEXT = /^\d{1,12}(\.\d{1,6})?$/;
const SAYS_LENGTH_MAX = 500;

/** Takes money out of the wallet, to an address of the owner's. */
export async function run(call: CommandCall): Promise<number> {
  const { flags } = call;
  const to = flags.text('to');
  if (to === undefined) throw new WalletError('bad_input', 'Say where to with --to ADDRESS.');
  const [usd, all] = [flags.text('usd'), flags.has('all')];
  if ((usd === undefined) === !all) throw new WalletError('bad_input', 'Give --usd N or --all.');
  const usdMicros = usd === undefined ? 'all' : usdOf(usd);
  const what = `Withdrawing ${usdMicros === 'all' ? 'all that is free' : `$${formatUsd(usdMicros)}`} to ${to}`;
  return moveMoney(call, { what, command: commandOf(call), usdMicros }, async (engine) =>
    Promise.resolve({ from: engine, to: to.trim() }),
  );
}

/** Moves the owner's money as they say, and tells what came of it. `ends` says whose it is and where it goes. */
export async function moveMoney(
  call: CommandCall,
  { usdMicros, ...wish }: OwnerWish & Pick<WithdrawalWish, 'usdMicros'>,
  ends: (
    engine: Engine,
    network: string | undefined,
  ) => Promise<{ readonly from: Engine; readonly to: string }>,
): Promise<number> {
  const { io, flags } = call;
  if (!flags.has('yes') && !isInteractive(io))
    throw new WalletError(
      'bad_input',
      `Without a terminal, ${wish.command.split(' ')[0] ?? ''} needs --yes.`,
    );
  const keys = await unlockAsOwner(ownerOptions(call), wish);
  const engine = await Engine.openWith(walletOptions(call), keys);
  try {
    const network = flags.text('network');
    const { from, to } = await ends(engine, network);
    const asked = {
      ...{ to, usdMicros, network },
      asset: flags.text('asset'),
      takesHeld: flags.has('includeHeld'),
      offCurve: flags.has('offCurve'),
    };
    const done = await untilInterrupted((signal) =>
      withdraw(from, asked, async (plan) => flags.has('yes') || confirm(io, plan), signal),
    );
    if (done === null) throw new WalletError('cancelled', 'Cancelled; nothing was signed.');
    return report(call, done);
  } finally {
    await engine.close();
  }
}

/** Dollars as a person types them. Throws `bad_input` for nothing, a sign, or more than six decimals. */
export function usdOf(text: string): bigint {
  const micros = USD_TEXT.test(text) ? parseUsd(text, '--usd') : 0n;
  if (micros > 0n) return micros;
  throw new WalletError(
    'bad_input',
    '--usd must be more than zero: dollars with at most six decimals, such as 12.50.',
  );
}

/** The command as it was given, for whoever is told to run it with a factor. T11: only what no shell reads. */
function commandOf({ flags }: CommandCall): string {
  const named = ['to', 'usd', 'network'].flatMap((name) => {
    const value = flags.text(name);
    return value !== undefined && /^[\w.:]+$/.test(value) ? [`--${name} ${value}`] : [];
  });
  return ['withdraw', ...named, ...(flags.has('all') ? ['--all'] : [])].join(' ');
}

async function confirm(io: CliIo, plan: WithdrawalPlan): Promise<boolean> {
  const { network, asset, amountAtomic, heldAtomic, onChainAtomic } = plan;
  const text = (atomic: bigint): string => `${formatUnits(atomic, asset.decimals)} ${asset.symbol}`;
  const ways = plan.ways.map((way) =>
    way.kind === 'facilitator'
      ? `${new URL(way.url).host} settles it, no gas needed`
      : `gas of at most about ${way.feeText} from this address`,
  );
  const pairs: [string, string][] = [
    ['  Amount', text(amountAtomic)],
    ['  From', plan.from],
    ['  To', plan.to],
    ['  Network', `${network.label} (${network.caip2})`],
    ['  On chain', `${text(onChainAtomic)}, of which ${text(heldAtomic)} stays for what is held`],
    ['  Carried by', ways.join('; else ')],
  ];
  const frozen = plan.frozen ? ['  The wallet is frozen: agents stay stopped.'] : [];
  printLines(io.stderr, ['Money leaves this wallet for good:', ...layPairs(pairs), ...frozen]);
  return askYes(io, `Is ${plan.to} yours, on ${network.label}, and shall it go there?`);
}

function report({ io, flags }: CommandCall, { payment, earlier, via, says }: Withdrawn): number {
  const view = viewPayment(payment);
  const open = isLive(payment.state);
  const fields = {
    status: open ? 'unknown' : 'ok',
    code: open ? 'payment_unknown' : 'ok',
    message: sentenceOf(payment, earlier),
    money: moneyOf(payment),
    withdrawal: { ...view, via, earlier },
    says,
    tell_owner: open ? `Ask the chain what became of it: ${ownerCommand('reconcile', io)}` : null,
  } as const;
  if (flags.has('json')) printJson(io, fields);
  else {
    printLines(open ? io.stderr : io.stdout, [
      fields.message,
      ...(open ? says.map((line) => `  ${cleanLine(line, SAYS_LENGTH_MAX)}`) : []),
      ...(payment.tx === null ? [] : [`  ${explorerLink(payment)}`]),
      ...(fields.tell_owner === null ? [] : [fields.tell_owner]),
    ]);
  }
  return exitCodeOf(fields);
}

function sentenceOf(payment: Payment, earlier: boolean): string {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  const amount = `${formatUnits(payment.heldAtomic, asset?.decimals ?? 0)} ${asset?.symbol ?? payment.asset}`;
  const network = findNetwork(payment.network)?.label ?? payment.network;
  if (isLive(payment.state)) {
    const until = viewPayment(payment).held_until ?? '';
    return `The withdrawal of ${amount} to ${payment.payTo} on ${network} is signed and open (${payment.id}): the chain does not show it yet, and it can still go. If it never does, the money is free again at about ${until}.`;
  }
  const which = earlier ? `The earlier withdrawal (${payment.id}) is done: ` : '';
  return `${which}${amount} went to ${payment.payTo} on ${network}, and the chain shows it.`;
}

function explorerLink({ network, tx }: Payment): string {
  const base = findNetwork(network)?.explorerTx;
  return `${base ?? ''}${tx ?? ''}`;
}
