import type { BalanceLine, LimitLine } from '../../wallet/balance.js';
import type { Outcome } from '../../wallet/answer/outcome.js';
import type { CommandCall } from '../command.js';
import { layLimits } from '../config/limits.js';
import { tellOwner } from '../line/line.js';
import { exitCodeOf, printOutcome, printLines, printStatus, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { withEngine } from '../terminal/wallet.js';

/** Shows what is on chain, held and free, and what is left of each limit. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const network = flags.text('network');
  // The owner reads it of an agent that may not act too, and looking begins no session.
  const result = await withEngine(call, async (engine): Promise<Outcome> => {
    const { balance, sessionLeft } = await import('../../wallet/balance.js');
    const { checkClock } = await import('../../wallet/clock/clockCheck.js');
    await checkClock(engine, await engine.config());
    const session = { id: (await engine.ledger.currentSession(engine.agent, engine.now()))?.id ?? 'none' };
    const read = await balance(engine, session, { network });
    const agent = await engine.ledger.agents.find(engine.agent);
    const fields = { agent: engine.agent, agent_state: agent?.state ?? null };
    return { ...read, ...fields, session_left_usd: await sessionLeft(engine, session) };
  });
  if (flags.has('json')) printOutcome(io, result);
  else if (result.status !== 'ok') printStatus(io, result);
  else {
    const width = widthOf(io.stdout);
    const balances = result['balances'] as readonly BalanceLine[];
    printLines(io.stdout, [
      ...addressLines(balances),
      '',
      ...layBalances(balances, width),
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
    return `Address  ${address}  (${[...new Set(here)].join(', ')})`;
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
