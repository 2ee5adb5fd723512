import { isWalletError, WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { isLive } from '../../ledger/attempts/attempt.js';
import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import { formatUnits, formatUsd, parseUsd } from '../../money/decimal.js';
import { findAsset } from '../../money/asset.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { Engine } from '../../wallet/engine.js';
import { moneyOf, viewPayment } from '../../wallet/answer/outcome.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { unlockAsOwner, type OwnerOperation } from '../../owner/auth/ownerAuth.js';
import { fundedNetworks } from '../../treasury/fundedNetworks.js';
import type { Withdrawn } from '../../treasury/carry.js';
import { withdraw } from '../../treasury/withdraw.js';
import type { WithdrawalPlan, WithdrawalOrder } from '../../treasury/withdrawPlan.js';
import { cleanLine } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { askYes } from '../terminal/input/prompt.js';
import { exitCodeOf, printJson, printLines } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';
import { ownerOptions, untilInterrupted, walletOptions } from '../terminal/wallet.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';

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
  const [network, asset, agent] = [flags.text('network'), flags.text('asset'), flags.text('agent')];
  const what = `Withdrawing ${usdMicros === 'all' ? 'all that is free' : `$${formatUsd(usdMicros)}`} to ${to}`;
  return moveMoney(
    call,
    {
      what,
      action: {
        kind: 'withdraw',
        to: to.trim(),
        usd: usd ?? 'all',
        ...(network === undefined ? {} : { network }),
        ...(asset === undefined ? {} : { asset }),
        ...(agent === undefined ? {} : { agent }),
        takesHeld: flags.has('includeHeld'),
        offCurve: flags.has('offCurve'),
        repeats: flags.has('repeat'),
      },
      usdMicros,
      details: fieldsOf(call, agent ?? DEFAULT_AGENT),
    },
    async (engine) => Promise.resolve({ from: engine, to: to.trim() }),
  );
}

/** Whose money it is and where it goes, on a network where that tells. */
type Ends = (
  engine: Engine,
  network: string | undefined,
) => Promise<{ readonly from: Engine; readonly to: string }>;

/** What is moved, and whether between agents of the wallet: then on whichever network has it. */
export interface MoneyOperation extends OwnerOperation, Pick<WithdrawalOrder, 'usdMicros'> {
  readonly isWithin?: boolean;
}

/** Moves the owner's money as they say, and tells what came of it. */
export async function moveMoney(
  call: CommandCall,
  { usdMicros, isWithin = false, ...operation }: MoneyOperation,
  ends: Ends,
): Promise<number> {
  const { io, flags } = call;
  if (!flags.has('yes') && !isInteractive(io))
    throw new WalletError('bad_input', 'Without a terminal, moving money needs --yes.');
  const keys = await unlockAsOwner(ownerOptions(call), operation);
  const engine = await Engine.openWith(walletOptions(call), keys);
  try {
    const named = flags.text('network');
    const takesHeld = flags.has('includeHeld');
    const [offCurve, repeats] = [flags.has('offCurve'), flags.has('repeat')];
    const rest = { usdMicros, takesHeld, asset: flags.text('asset'), offCurve, repeats, isWithin };
    return await untilInterrupted(async (signal) => {
      const { from } = await ends(engine, named);
      const networks = isWithin
        ? (await fundedNetworks(from, rest, named, signal)).map(({ caip2 }) => caip2)
        : [named];
      const moved: Moved[] = [];
      for (const network of networks) {
        const { to } = await ends(engine, network);
        const decide = async (plan: WithdrawalPlan): Promise<boolean> =>
          flags.has('yes') || confirm(io, plan);
        moved.push(await moveOn({ from, operation: { ...rest, to, network }, decide, signal }));
      }
      return report(call, moved);
    });
  } finally {
    await engine.close();
  }
}

/** What came of one network, or why nothing did. */
type Moved = Withdrawn | WalletError;

async function moveOn(asked: {
  readonly from: Engine;
  readonly operation: WithdrawalOrder;
  readonly decide: (plan: WithdrawalPlan) => Promise<boolean>;
  readonly signal: AbortSignal;
}): Promise<Moved> {
  try {
    const done = await withdraw(asked.from, asked.operation, asked.decide, asked.signal);
    return done ?? new WalletError('cancelled', 'Cancelled; nothing was signed.');
  } catch (error) {
    if (isWalletError(error)) return error;
    throw error;
  }
}

/** Dollars as a person types them. Throws `bad_input` for nothing, a sign, or more than six decimals. */
export function usdOf(text: string): UsdMicros {
  const micros = USD_TEXT.test(text) ? parseUsd(text, '--usd') : 0n;
  if (micros > 0n) return micros;
  throw new WalletError(
    'bad_input',
    '--usd must be more than zero: dollars with at most six decimals, such as 12.50.',
  );
}

/** What else is said of money that moves between agents: for who does the same. */
export function chosenOf({ flags }: CommandCall): { readonly network?: string; readonly repeats: boolean } {
  const network = flags.text('network');
  return { ...(network === undefined ? {} : { network }), repeats: flags.has('repeat') };
}

/** What a payment out of the wallet is made of beside its amount and its recipient. */
export function fieldsOf({ flags }: CommandCall, agent: string): string[] {
  const yes = (name: string, words: string): string[] => (flags.has(name) ? [words] : []);
  return [
    `From the agent: ${agent}`,
    `Network: ${flags.text('network') ?? 'whichever has the money'}`,
    `Coin: ${flags.text('asset') ?? 'USDC, or the one that is there'}`,
    ...yes('includeHeld', 'Also money that is held for payments on their way'),
    ...yes('offCurve', 'Also to a Solana address that no key signs for'),
    ...yes('repeat', 'Sends again what a facilitator says has arrived'),
  ];
}

async function confirm(io: CliIo, plan: WithdrawalPlan): Promise<boolean> {
  const { network, asset, amountAtomic, heldAtomic, onChainAtomic } = plan;
  const text = (atomic: AtomicAmount): string => `${formatUnits(atomic, asset.decimals)} ${asset.symbol}`;
  const ways = plan.methods.map((way) =>
    way.kind === 'facilitator'
      ? `${new URL(way.url).host} settles it, no gas needed`
      : `gas out of this address, at most about ${way.feeText}`,
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

/** One network's outcome as it is; several one after the other, and the worst of them is the exit code. */
function report(call: CommandCall, moved: readonly Moved[]): number {
  const { io, flags } = call;
  const [only] = moved;
  if (moved.length === 1 && only !== undefined) {
    if (isWalletError(only)) throw only;
    return printMoved(call, only);
  }
  if (flags.has('json')) {
    const parts = moved.map((one) => (isWalletError(one) ? failedFields(one) : movedFields(call, one)));
    const worst = parts.find(({ status }) => status !== 'ok') ?? parts[0];
    const message = parts.map((part) => part.message).join(' ');
    const fields = { status: worst?.status ?? 'ok', code: worst?.code ?? 'ok', message } as const;
    printJson(io, { ...fields, networks: parts });
    return exitCodeOf(fields);
  }
  const codes = moved.map((one) => {
    if (!isWalletError(one)) return printMoved(call, one);
    printLines(io.stderr, [one.shortMessage]);
    return one.exitCode;
  });
  return Math.max(...codes);
}

function failedFields({ code, shortMessage, money }: WalletError) {
  return { status: 'failed', code, message: shortMessage, money } as const;
}

function movedFields({ io }: CommandCall, { withdrawal: payment, earlier, via, messages }: Withdrawn) {
  const view = viewPayment(payment);
  const open = isLive(payment.state);
  return {
    status: open ? 'unknown' : 'ok',
    code: open ? 'payment_unknown' : 'ok',
    message: sentenceOf(payment, earlier, via),
    money: moneyOf(payment),
    withdrawal: { ...view, via, earlier },
    says: messages,
    tell_owner: open ? `Ask the chain what became of it: ${showLine(commandLine('reconcile'), io)}` : null,
  } as const;
}

function printMoved(call: CommandCall, moved: Withdrawn): number {
  const { io, flags } = call;
  const { withdrawal: payment, messages } = moved;
  const open = isLive(payment.state);
  const fields = movedFields(call, moved);
  if (flags.has('json')) printJson(io, fields);
  else {
    printLines(open ? io.stderr : io.stdout, [
      fields.message,
      ...(open ? messages.map((line) => `  ${cleanLine(line, SAYS_LENGTH_MAX)}`) : []),
      ...(payment.tx === null ? [] : [`  ${explorerLink(payment)}`]),
      ...(fields.tell_owner === null ? [] : [fields.tell_owner]),
    ]);
  }
  return exitCodeOf(fields);
}

function sentenceOf(payment: Withdrawal, earlier: boolean, via: Withdrawn['via']): string {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  const amount = `${formatUnits(payment.heldAtomic, asset?.decimals ?? 0)} ${asset?.symbol ?? payment.asset}`;
  const network = findNetwork(payment.network)?.label ?? payment.network;
  if (isLive(payment.state)) {
    const until = viewPayment(payment).held_until ?? '';
    return `The withdrawal of ${amount} to ${payment.payTo} on ${network} is signed and open (${payment.id}): the chain does not show it yet, and it can still go. If it never does, the money is free again at about ${until}.`;
  }
  const which = earlier ? `The earlier withdrawal (${payment.id}) is done: ` : '';
  const gas = via === 'facilitator' ? ' without gas' : '';
  return `${which}${amount} went to ${payment.payTo} on ${network}${gas}, and the chain shows it.`;
}

function explorerLink({ network, tx }: Withdrawal): string {
  const base = findNetwork(network)?.explorerTx;
  return `${base ?? ''}${tx ?? ''}`;
}
