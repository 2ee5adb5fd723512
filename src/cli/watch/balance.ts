import { standingOf } from '../../ledger/books/agent.js';
import type { BalanceLine, LimitLine } from '../../wallet/balance.js';
import { setTimeout as pause } from 'node:timers/promises';
import { WalletError } from '../../errors/walletError.js';
import type { Engine } from '../../wallet/engine.js';
import type { Outcome } from '../../wallet/answer/outcome.js';
import type { CommandCall } from '../command.js';
import { layLimits } from '../config/limits.js';
import { tellOwner } from '../line/line.js';
import { exitCodeOf, printOutcome, printLines, printStatus, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';

/** How often a watched balance is read anew: a public RPC takes that without complaint. */
const WATCH_MS = 5_000;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

/** Shows what is on chain, held and free, and what is left of each limit. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const isWatched = flags.has('watch');
  if (isWatched && (flags.has('json') || io.stdout.isTTY !== true))
    throw new WalletError('bad_input', '--watch shows it on a terminal, without --json.');
  return withEngine(call, async (engine) => {
    if (!isWatched) return tell(call, await read(call, engine));
    let exit = 0;
    await untilInterrupted(async (signal) => {
      while (!signal.aborted) {
        const result = await read(call, engine);
        io.stdout.write(CLEAR_SCREEN);
        exit = tell(call, result);
        printLines(io.stdout, ['', `${new Date(io.now()).toLocaleTimeString()}; Ctrl-C ends.`]);
        await pause(WATCH_MS, undefined, { signal }).catch(() => undefined);
      }
    });
    return exit;
  });
}

/** Reads it. The owner reads it of an agent that may not act too, and looking begins no session. */
async function read({ flags }: CommandCall, engine: Engine): Promise<Outcome> {
  const { balance, sessionLeft } = await import('../../wallet/balance.js');
  const { checkClock } = await import('../../wallet/clock/clockCheck.js');
  await checkClock(engine, await engine.config());
  const session = { id: (await engine.ledger.currentSession(engine.agent, engine.now()))?.id ?? 'none' };
  const found = await balance(engine, session, { network: flags.text('network') });
  const agent = await engine.ledger.agents.find(engine.agent);
  const state = agent === null ? null : standingOf(agent, engine.now());
  const fields = { agent: engine.agent, agent_state: state };
  return { ...found, ...fields, session_left_usd: await sessionLeft(engine, session) };
}

function tell({ io, flags }: CommandCall, result: Outcome): number {
  if (flags.has('json')) printOutcome(io, result);
  else if (result.status !== 'ok') printStatus(io, result);
  else {
    const width = widthOf(io.stdout);
    const balances = result['balances'] as readonly BalanceLine[];
    printLines(io.stdout, [
      ...addressLines(balances),
      '',
      ...layBalances(balances, width),
      ...balances.flatMap(({ label, asset, permit2_allowance: allowed }) =>
        allowed === null ? [] : [`Permit2 may move ${allowed} ${asset} on ${label}.`],
      ),
      '',
      ...layLimits(result['limits'] as readonly LimitLine[], width),
      ...(result['frozen'] === true ? ['', 'The wallet is frozen: nothing is signed.'] : []),
      ...(result['agent_state'] === 'active'
        ? []
        : [
            '',
            `The agent ${String(result['agent'])} is ${String(result['agent_state'])}: nothing is signed for it.`,
          ]),
    ]);
    const tell = tellOwner(result.tell_owner, io);
    if (tell !== null) printLines(io.stderr, [tell]);
  }
  return exitCodeOf(result);
}

/** Each address once; with the networks it is on where there are several. */
function addressLines(balances: readonly BalanceLine[]): string[] {
  const addresses = [...new Set(balances.map(({ address }) => address))];
  if (addresses.length === 1) return [`Address  ${addresses[0] ?? ''}`];
  return addresses.map((address) => {
    const here = balances.filter((line) => line.address === address).map(({ label }) => label);
    return `Address  ${address} on ${[...new Set(here)].join(', ')}`;
  });
}

function layBalances(balances: readonly BalanceLine[], width: number): string[] {
  const columns = [
    { title: 'NETWORK', flexible: true },
    { title: 'ASSET' },
    { title: 'ON CHAIN', align: 'right' },
    { title: 'HELD', align: 'right' },
    { title: 'TO SPEND', align: 'right' },
  ] as const;
  const rows = balances.map(({ label, asset, on_chain: onChain, held, spendable }) => [
    label,
    asset,
    onChain ?? 'unknown',
    held,
    spendable ?? 'unknown',
  ]);
  return layTable(columns, rows, width);
}
