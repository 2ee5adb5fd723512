import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { quickStretched } from '../support/quickStore.js';
import { bundleProgram } from '../support/walletProcess.js';
import type { OwnerAnswer, OwnerOrder } from './ownerChild.js';

let program: Promise<string> | undefined;

/** One command of an owner in a process of its own. */
export interface OwnerProcess {
  /** What came of it; null where it was killed first. */
  readonly answer: Promise<OwnerAnswer | null>;
  /** Resolves once it stands still at the look at the clock that its order names. */
  untilStopped(): Promise<void>;
  /** Lets it go on. */
  goOn(): void;
}

/** Starts one. */
export async function startOwnerProcess(order: Omit<OwnerOrder, 'stretched'>): Promise<OwnerProcess> {
  program ??= bundleProgram('../approvals/ownerChild.ts');
  const whole: OwnerOrder = { ...order, stretched: quickStretched() };
  const child = fork(await program, [JSON.stringify(whole)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let told: OwnerAnswer | null = null;
  child.on('message', (answer: OwnerAnswer) => {
    told = answer;
  });
  const answer = once(child, 'exit').then(() => told);
  const isStopped = (): boolean => {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  };
  return {
    answer,
    untilStopped: () => expect.poll(isStopped).toBe(true),
    goOn: () => void child.kill('SIGCONT'),
  };
}
