import { WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { formatUnits, formatUsd } from '../../money/decimal.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import { unlockAsOwner } from '../../owner/auth/ownerAuth.js';
import { setAllowance, type AllowancePlan, type AllowanceSet } from '../../treasury/allowance.js';
import { Engine } from '../../wallet/engine.js';
import type { CommandCall } from '../command.js';
import { usdOf } from '../money/withdraw.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { askYes } from '../terminal/input/prompt.js';
import { printLines, printReport } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';
import { ownerOptions, untilInterrupted, walletOptions } from '../terminal/wallet.js';

/** Allows Permit2 so much of a token. */
export async function run(call: CommandCall): Promise<number> {
  return allow(call, usdOf(call.args[0] ?? ''));
}

/** Allows it so many dollars, none for 0, as the owner, and tells what came of it. */
export async function allow(call: CommandCall, usdMicros: UsdMicros): Promise<number> {
  const { io, flags } = call;
  if (!flags.has('yes') && !isInteractive(io))
    throw new WalletError('bad_input', 'Without a terminal, this needs --yes.');
  const [network, asset, agent] = [flags.text('network'), flags.text('asset'), flags.text('agent')];
  const what =
    usdMicros === 0n
      ? 'Taking back what Permit2 may move'
      : `Allowing Permit2 to move $${formatUsd(usdMicros)}`;
  const keys = await unlockAsOwner(ownerOptions(call), {
    what: `${what} of ${asset ?? 'the one token'} on ${network ?? 'the one network'} of the agent ${agent ?? DEFAULT_AGENT}`,
    // To take it back only takes from agents.
    ...(usdMicros === 0n ? { alone: 'always' as const } : {}),
    action: {
      kind: 'setAllowance',
      usd: formatUsd(usdMicros),
      ...(network === undefined ? {} : { network }),
      ...(asset === undefined ? {} : { asset }),
      ...(agent === undefined ? {} : { agent }),
    },
  });
  const engine = await Engine.openWith(walletOptions(call), keys);
  try {
    const decide = async (plan: AllowancePlan): Promise<boolean> => flags.has('yes') || confirm(io, plan);
    const set = await untilInterrupted((signal) =>
      setAllowance(engine, { usdMicros, network, asset }, decide, signal),
    );
    if (set === null) throw new WalletError('cancelled', 'Cancelled; nothing was signed.');
    return report(call, set);
  } finally {
    await engine.close();
  }
}

async function confirm(io: CliIo, plan: AllowancePlan): Promise<boolean> {
  const { network, address, feeText } = plan;
  const { before, after } = wordsOf(plan);
  const pairs: [string, string][] = [
    ['  Allowed now', before],
    ['  Allowed then', after],
    ['  Of', address],
    ['  Network', `${network.label} (${network.caip2})`],
    ['  Gas, at most about', feeText],
  ];
  printLines(io.stderr, ['Permit2 moves this token for signatures of this wallet:', ...layPairs(pairs)]);
  return askYes(io, `Shall Permit2 be allowed ${after} on ${network.label}?`);
}

function wordsOf({ asset, beforeAtomic, amountAtomic }: AllowancePlan) {
  const text = (atomic: AtomicAmount): string => `${formatUnits(atomic, asset.decimals)} ${asset.symbol}`;
  return { before: text(beforeAtomic), after: text(amountAtomic) };
}

function report({ io, flags }: CommandCall, set: AllowanceSet): number {
  const { network, asset, address, tx } = set;
  const { before, after } = wordsOf(set);
  const message =
    tx === null
      ? `Permit2 may move ${after} on ${network.label} already; nothing was signed.`
      : `Permit2 may now move ${after} on ${network.label}, where it might move ${before}.`;
  const facts = { message, network: network.caip2, asset: asset.symbol, address, allowed: after, tx };
  return printReport(io, flags.has('json'), facts, [
    message,
    ...(tx === null ? [] : [`  ${network.explorerTx ?? ''}${tx}`]),
  ]);
}
