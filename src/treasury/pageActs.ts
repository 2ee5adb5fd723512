import { WalletError } from '../errors/walletError.js';
import { DEPOSIT_KINDS, type Entitlement } from '../ledger/books/entitlement.js';
import type { ActDone, ActKind, ActOrder, PreparedAct } from '../owner/ownerActs.js';
import { prolongedUntil } from '../owner/newAgent.js';
import { prolongPair, replaceToken, resumePair, rotatePair } from '../owner/ownerAgents.js';
import { AGENT_LIFE_MS_MAX } from '../config/value/agentTemplate.js';
import { parseDuration } from '../text/duration.js';
import { viewCommitment } from '../owner/ownerCommitments.js';
import { revokeIn } from '../owner/ownerEntitlements.js';
import { endPausePair } from '../owner/ownerPauses.js';
import { liftFreeze, UNFREEZE_PAIR } from '../owner/ownerFreeze.js';
import { formatUnits } from '../money/decimal.js';
import { isCommitment } from '../protocols/protocol.js';
import { unknownAgent } from '../ledger/books/agent.js';
import type { Engine } from '../wallet/engine.js';
import { cancelCommitment } from '../wallet/settle/commitmentEnd.js';
import { closeDeposit } from '../wallet/settle/depositClose.js';
import { listAllowances, setAllowance } from './allowance.js';
import type { OwnPlace } from './ownFunds.js';

/** A page waits no longer for a chain or a seller; what was begun goes on, and is seen when it is looked at again. */
const ACT_MS_MAX = 120_000;

/** What the owner's pages can do over an open wallet: looks at an act, and has the way to do it ready. */
export function pageActs(engine: Engine, over: AbortSignal): (order: ActOrder) => Promise<PreparedAct> {
  return async ({ kind, subject }) => {
    const signal = (): AbortSignal => AbortSignal.any([over, AbortSignal.timeout(ACT_MS_MAX)]);
    const prepared = await PREPARE[kind](engine, subject, signal);
    return {
      ...prepared,
      run: async () => {
        const done = await prepared.run();
        engine.renewCheckpoint();
        return done;
      },
    };
  };
}

type Prepare = (engine: Engine, subject: string, signal: () => AbortSignal) => Promise<PreparedAct>;

const PREPARE: Readonly<Record<ActKind, Prepare>> = {
  resume_agent: async (engine, name) => {
    const { ledger } = engine;
    const { state } = await agentOf(ledger, name);
    return {
      isOwners: true,
      pair: resumePair(name),
      act: {
        what: `Let the agent ${name} act again`,
        details: [`It is ${state} now. Its limits, its budget and its token stay as they are.`],
      },
      run: async () => {
        const { changed } = await ledger.agents.change(name, { act: 'resume' }, engine.now());
        return { message: changed ? `${name} may act again.` : `${name} could act already.` };
      },
    };
  },
  prolong_agent: async (engine, subject) => {
    const { ledger } = engine;
    const [name = '', time = ''] = subject.split(' ');
    const agent = await agentOf(ledger, name);
    if (agent.untilMs === null) throw new WalletError('not_found', `The agent ${name} has no end.`);
    const moreMs = parseDuration(time);
    if (moreMs === null || moreMs > AGENT_LIFE_MS_MAX)
      throw new WalletError('bad_input', 'An agent is prolonged by a time such as 7d, of at most 366 days.');
    const untilMs = prolongedUntil(agent, moreMs, engine.now());
    const until = new Date(untilMs).toISOString();
    return {
      isOwners: true,
      pair: prolongPair(name, moreMs),
      act: {
        what: `Let the agent ${name} act until ${until}`,
        details: [
          `Its time ends ${new Date(agent.untilMs).toISOString()} as it is. Its limits, its budget and its token stay as they are.`,
        ],
      },
      run: async () => {
        await ledger.agents.change(name, { act: 'prolong', untilMs }, engine.now());
        return { message: `${name} may act until ${until}.` };
      },
    };
  },
  rotate_token: async (engine, name) => {
    const { ledger } = engine;
    const { tokenMs } = await agentOf(ledger, name);
    const since = tokenMs === null ? 'It has none yet.' : `It has one of ${new Date(tokenMs).toISOString()}.`;
    return {
      isOwners: true,
      pair: rotatePair(name),
      act: {
        what: `Give the agent ${name} a new token`,
        details: [`${since} The old one opens nothing from then on, in every process.`],
      },
      run: async () => {
        let secret = '';
        const deliver = async (made: string): Promise<void> => {
          secret = made;
          return Promise.resolve();
        };
        await replaceToken(ledger, name, deliver, engine.now());
        return { message: `${name} has a new token; the old one opens nothing any more.`, secret };
      },
    };
  },
  unfreeze: async (engine) =>
    Promise.resolve({
      isOwners: true,
      pair: UNFREEZE_PAIR,
      act: { what: 'Unfreeze the wallet', details: ['Agents may pay again, within your limits.'] },
      run: async () => {
        const changed = await liftFreeze(engine, engine.now());
        return { message: changed ? 'The wallet is no longer frozen.' : 'The wallet was not frozen.' };
      },
    }),
  close_channel: async (engine, id, signal) => {
    const deposit = await liveOf(engine, id);
    if (deposit.kind !== 'channel') throw notThere('deposit');
    return {
      isOwners: true,
      pair: null,
      act: {
        what: `Close the deposit ${id}`,
        details: [
          `With ${deposit.origin}, of the agent ${deposit.agent}.`,
          'Its seller is asked to close it, which costs nothing. Where it does not, the chain is asked, whose fee of less than 2 cents the address pays; 15 minutes later the same button brings the rest back.',
        ],
      },
      run: () => close(engine, deposit, signal()),
    };
  },
  cancel_commitment: async (engine, id, signal) => {
    const promise = await engine.ledger.findPayment(id);
    if (promise === null || !isCommitment(promise)) throw notThere('subscription');
    const { seller, agent, amount, asset, period_days: days } = viewCommitment({ promise, charges: [] });
    return {
      isOwners: true,
      pair: null,
      act: {
        what: `End the subscription ${id}`,
        details: [
          `With ${seller}, of the agent ${agent}: at most ${amount} ${asset} every ${days} days.`,
          'The chain takes the seller’s key back, for a fee of less than 2 cents that the address pays. What was taken before does not come back.',
        ],
      },
      run: async () => {
        const own = engine.forAgent(agent);
        const ending = await cancelCommitment(own, await own.config(), promise, signal());
        return {
          message:
            ending.kind === 'ended'
              ? `${id} has ended: nothing more is taken by it.`
              : `The chain was asked to end ${id}; it counts until that is settled, which takes moments.`,
        };
      },
    };
  },
  revoke_entitlement: async (engine, id) => {
    const { agent, kind, origin, path } = await liveOf(engine, id);
    return {
      isOwners: false,
      pair: null,
      act: {
        what: `Never use ${id} again`,
        details: [
          `A ${kind} of the agent ${agent}, for ${origin}${path}.`,
          'The wallet forgets its secret; what is left of it is lost.',
        ],
      },
      run: async () => {
        const revoked = await revokeIn(engine.ledger, id, engine.now());
        return {
          message: revoked
            ? `${id} is revoked: what buys there is paid again.`
            : `${id} had ended before; nothing was done.`,
        };
      },
    };
  },
  revoke_allowance: async (engine, subject, signal) => {
    const { agent, allowance } = await allowanceOf(engine, subject);
    const { network, asset, address, allowedAtomic } = allowance;
    const allowed = allowedAtomic === null ? 'unknown' : formatUnits(allowedAtomic, asset.decimals);
    return {
      isOwners: true,
      pair: null,
      act: {
        what: `Take back what Permit2 may move of ${asset.symbol} on ${network.label}`,
        details: [
          `Permit2 may move ${allowed} ${asset.symbol} from ${address}, of the agent ${agent}; then nothing.`,
          'The address pays the gas of one transaction.',
        ],
      },
      run: async () => {
        const order = { usdMicros: 0n, network: network.caip2, asset: asset.symbol };
        const always = async (): Promise<boolean> => Promise.resolve(true);
        await setAllowance(engine.forAgent(agent), order, always, signal());
        return { message: `Permit2 may move no ${asset.symbol} on ${network.label} any more.` };
      },
    };
  },
  end_pause: async (engine, origin) =>
    Promise.resolve({
      isOwners: true,
      pair: endPausePair(origin),
      act: {
        what: `End the pause of ${origin}`,
        details: [
          'It took money and gave nothing, several times. Agents may pay it again, within your limits.',
        ],
      },
      run: async () => {
        await engine.ledger.resetCircuitBreaker(origin, engine.now());
        return { message: `${origin} may be paid again.` };
      },
    }),
};

async function agentOf(ledger: Engine['ledger'], name: string) {
  const agent = await ledger.agents.find(name);
  if (agent === null || agent.state === 'removed') throw unknownAgent(name);
  return agent;
}

async function liveOf({ ledger }: Engine, id: string): Promise<Entitlement> {
  const found = await ledger.entitlements.find(id);
  if (found?.state !== 'live') throw notThere(found === null ? 'entitlement' : 'live entitlement');
  return found;
}

function notThere(what: string): WalletError {
  return new WalletError('not_found', `There is no ${what} by that id.`);
}

/** The subject of {@link PREPARE}.revoke_allowance: no part of it has a blank. */
export function allowanceSubject({ agent, network, asset }: OwnPlace): string {
  return `${agent} ${network.caip2} ${asset.symbol}`;
}

async function allowanceOf(engine: Engine, subject: string) {
  const [agent = '', network, symbol] = subject.split(' ');
  await agentOf(engine.ledger, agent);
  const found = (await listAllowances(engine.forAgent(agent), network)).find(
    ({ asset }) => asset.symbol === symbol,
  );
  if (found === undefined) throw new WalletError('not_found', 'There is no such token.');
  return { agent, allowance: found };
}

async function close(engine: Engine, deposit: Entitlement, signal: AbortSignal): Promise<ActDone> {
  const own = engine.forAgent(deposit.agent);
  const closing = await closeDeposit(own, await own.config(), deposit, { onChain: true, signal });
  if (closing.kind === 'closed') return { message: `${deposit.id} is closed, and the rest came back.` };
  if (closing.kind === 'closing') return { message: `${deposit.id} is being closed. ${closing.says}` };
  const from = new Date(closing.untilMs).toISOString();
  return {
    message: `The seller did not close ${deposit.id}, so the chain was asked to. It brings the rest back from ${from} on: close it once more then.`,
  };
}

/** Whether something bought ahead is a deposit, which is closed, or is revoked. */
export function endingOf({ kind }: Pick<Entitlement, 'kind'>): 'close_channel' | 'revoke_entitlement' | null {
  if (kind === 'channel') return 'close_channel';
  return DEPOSIT_KINDS.includes(kind) ? null : 'revoke_entitlement';
}
