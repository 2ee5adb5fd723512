import { setTimeout as delay } from 'node:timers/promises';
import { reconcileAttempt } from '../../../src/wallet/settle/reconcile.js';
import { untilFree } from '../../../src/wallet/leaseKeeper.js';
import { ignoreEnd } from '../crew.js';
import type { Blow } from './blow.js';

/** Commits behind which a payment is in the hands of the process that made them. */
const DRIVEN_POINTS = ['held', 'held', 'sent', 'captured'] as const;
const OPEN_MAX = 1_000;

export const killOne: Blow = async ({ crew }, random) => {
  await crew.kill(random);
  return 'process killed at a random moment';
};

export const doomOne: Blow = async ({ crew }, random) => {
  await crew.doom(random);
  return 'process doomed at a commit point';
};

export const pauseOne: Blow = async ({ crew }, random) => {
  const one = await crew.pick(random);
  one.pause();
  await delay(50 + random.below(900));
  one.resume();
  return 'process paused';
};

/** Stops a process behind a commit, has another look after open payments, and finds that it took none from the first. */
export const stallOne: Blow = async ({ crew, watch, broken }, random) => {
  const point = random.pick(DRIVEN_POINTS);
  const stalled = await crew.stall(random, point, async ({ pid }) => {
    await watch.lookNow();
    const { seq } = watch;
    const others = crew.alive.filter((one) => one.pid !== pid);
    const looked = Promise.all(others.map((one) => one.ask({ do: 'reconcile' }).catch(() => null)));
    await Promise.race([looked, delay(300 + random.below(500))]);
    await watch.lookNow();
    broken.push(...watch.takenFrom(pid, seq));
  });
  return stalled ? 'process stalled behind a commit' : 'process to be stalled came to no such commit';
};

/** Kills all at one moment: what they were busy with is nobody's once its lease has ended, and whoever comes next must see that. */
export const killAll: Blow = async ({ crew, mine, broken }) => {
  await crew.killAll(async () => {
    const wallet = mine.open();
    const engine = await wallet.engine();
    for (const payment of await engine.ledger.openAttempts(OPEN_MAX)) {
      await untilFree(engine, payment, new AbortController().signal);
      // Who is asked here is the ledger; the chain may be out of reach at this moment.
      const { attempt: after } = await reconcileAttempt(engine, payment, AbortSignal.abort());
      if (after.state === 'held' || after.state === 'sent')
        broken.push(`${after.id} is left ${after.state} by a process that is dead`);
    }
    await wallet.close();
  });
  return 'all processes killed at once';
};

export const reconcileNow: Blow = async ({ crew }, random) => {
  const one = await crew.pick(random);
  void one.ask({ do: 'reconcile' }).catch(ignoreEnd);
  return Promise.resolve('reconciled by hand');
};
