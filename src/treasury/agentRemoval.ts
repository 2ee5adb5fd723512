import { unknownAgent } from '../ledger/books/agent.js';
import type { Config } from '../config/settings.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import { isLive } from '../ledger/attempts/attempt.js';
import type { Withdrawal } from '../ledger/attempts/withdrawal.js';
import { assetsOf, type Asset } from '../money/asset.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import type { Network } from '../money/network.js';
import type { Engine } from '../wallet/engine.js';
import { checkName } from '../owner/newAgent.js';
import { balancesOf, lineOf, type Changed } from '../owner/ownerAgents.js';
import type { AddressMoney } from '../owner/ownAddresses.js';
import { reconcileAttempt } from '../wallet/settle/reconcile.js';
import { withdraw } from './withdraw.js';
import { networksOf } from '../wallet/agentAddress.js';

/** Rows of all agents that are looked through for one agent's: more than can be open at once. */
const OPEN_ROWS_MAX = 10_000;
/** Money may arrive while the rest leaves; more often than that somebody keeps sending. */
const SWEEPS_MAX = 3;

/** What became of a removal, and what was brought back for it. */
export interface Removed extends Changed {
  /** By the agent's withdrawals, all of them to the first agent's address and shown by the chain. */
  readonly swept: readonly Withdrawal[];
}

/**
 * Ends an agent for good; its history, its name and its keys stay known. It is suspended at once, what is open of it is
 * settled as far as the chain knows, its money goes to the first agent's address, and only when the chain shows that
 * is the agent removed. The same call goes on where one was cut off.
 *
 * Throws `agent_unknown`, `bad_input` for the first agent, and `agent_busy` with how much is where, while its payments
 * are open or its money cannot be moved and `leavesMoney` is not said: the agent is suspended then, and nothing more.
 */
export async function removeAgent(
  engine: Engine,
  name: string,
  { leavesMoney }: { readonly leavesMoney: boolean },
  signal: AbortSignal,
): Promise<Removed> {
  checkName(name);
  const { agents } = engine.ledger;
  const state = (await agents.find(name))?.state ?? 'removed';
  if (state === 'removed') throw unknownAgent(name);
  if (name !== DEFAULT_AGENT) {
    // From here on nothing is held or signed for it: what is counted as free stays free.
    await agents.change(name, { act: 'suspend' }, engine.now());
    await settleOpen(engine, name, signal);
  }
  await agents.assertNothingOpen(name);
  const swept = leavesMoney ? [] : await sweep(engine, name, signal);
  const { agent, changed } = await agents.change(name, { act: 'remove' }, engine.now());
  // T29: a copy of the ledger from before is an older one from here on.
  engine.renewCheckpoint();
  return { agent: await lineOf(engine.keys, agent), changed, swept };
}

/** Takes what is open of an agent as far as the chain knows: payments, and what the owner was taking out. */
async function settleOpen(engine: Engine, name: string, signal: AbortSignal): Promise<void> {
  const open = (await engine.ledger.openAttempts(OPEN_ROWS_MAX)).filter(
    ({ agent, state }) => agent === name && isLive(state),
  );
  for (const payment of open) await reconcileAttempt(engine, payment, signal);
}

async function sweep(engine: Engine, name: string, signal: AbortSignal): Promise<Withdrawal[]> {
  const config = await engine.config();
  const swept: Withdrawal[] = [];
  try {
    // One Lightning wallet is every agent's, and stays where it is.
    for (const network of networksOf(config, engine.keys).filter(({ family }) => family !== 'lightning'))
      for (const asset of assetsOf(network.caip2))
        swept.push(...(await sweepAsset(engine, name, config, { network, asset }, signal)));
    return swept;
  } catch (error) {
    if (!isWalletError(error) || error.code === 'internal') throw error;
    throw await moneyLeft(engine, name, config, error);
  }
}

/** Empties an agent's address of one asset. Throws what {@link withdraw} throws, and `payment_unknown` where it is open. */
async function sweepAsset(
  engine: Engine,
  name: string,
  config: Config,
  { network, asset }: { readonly network: Network; readonly asset: Asset },
  signal: AbortSignal,
): Promise<Withdrawal[]> {
  const agent = engine.forAgent(name);
  const from = await agent.addressOn(network);
  const to = await engine.forAgent(DEFAULT_AGENT).addressOn(network);
  const place = { network: network.caip2, asset: asset.address, payFrom: from };
  const order = {
    to,
    usdMicros: 'all',
    network: network.caip2,
    asset: asset.symbol,
    takesHeld: false,
    isWithin: true,
  } as const;
  const swept: Withdrawal[] = [];
  for (let round = 0; round < SWEEPS_MAX; round++) {
    const isOpen = (await engine.ledger.withdrawals.findOpen(place, 'anybody')) !== null;
    const onChain = await engine.chain(config, network).balanceOf(asset, from, signal);
    if (onChain === 0n && !isOpen) return swept;
    const done = await withdraw(agent, order, async () => Promise.resolve(true), signal);
    if (done === null) continue;
    if (isLive(done.withdrawal.state))
      throw new WalletError(
        'payment_unknown',
        'It is signed and on its way; the chain does not show it yet.',
        {
          money: 'unknown',
        },
      );
    swept.push(done.withdrawal);
  }
  throw new WalletError('agent_busy', 'More money arrives there as fast as it is taken out.');
}

/** The error of an agent whose money did not come back: how much is where, why, and what takes it out. */
async function moneyLeft(
  engine: Engine,
  name: string,
  config: Config,
  why: WalletError,
): Promise<WalletError> {
  const left = (await balancesOf(config, engine.keys, await engine.forAgent(name).agentIndex())).filter(
    ({ onChain }) => onChain !== '0',
  );
  const shown = left.length === 0 ? 'has money on its way' : `has ${left.map(whereIs).join(' and ')}`;
  return new WalletError(
    'agent_busy',
    `The agent ${name} ${shown}. ${why.shortMessage} It is suspended and not removed: run this again, move its money first, or remove it and leave its money where it is.`,
    {
      cause: why,
      money: why.money,
      owner: { say: `${name} still has money.`, action: { kind: 'sweepAgent', name } },
    },
  );
}

function whereIs({ label, symbol, onChain, address }: AddressMoney): string {
  return onChain === null
    ? `an unknown amount at ${address} on ${label}, whose RPC does not answer`
    : `${onChain} ${symbol} at ${address} on ${label}`;
}
