import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Bundle } from './bundle.js';
import type { Answer, Setup, Step } from './walletProgram.js';

/** A running wallet program, driven step by step. */
export interface WalletProcess {
  readonly pid: number;
  /** Takes one step and gives its answer. */
  take(step: Step): Promise<Answer>;
  /** Sends a step without waiting. */
  send(step: Step): void;
  /** The next line; null when the program has ended. */
  nextAnswer(): Promise<Answer | null>;
  /** Everything the program wrote, also to stderr. */
  output(): string;
  /** Lets it end, or ends it at once, and waits until it has. */
  end(): Promise<number | null>;
  kill(): Promise<void>;
}

/** Starts a wallet program and waits until it has loaded. */
export async function startWalletProcess(
  bundle: Bundle,
  setup: Setup,
  env: NodeJS.ProcessEnv = process.env,
): Promise<WalletProcess> {
  const child = spawn(process.execPath, [bundle.path, JSON.stringify(setup)], { env, stdio: 'pipe' });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let written = '';
  child.stdout.on('data', (chunk: Buffer) => (written += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (written += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextAnswer = async (): Promise<Answer | null> => {
    const line = await lines.next();
    return line.done === true ? null : (JSON.parse(line.value) as Answer);
  };
  const send = (step: Step): void => void child.stdin.write(`${JSON.stringify(step)}\n`);
  const ready = await nextAnswer();
  if (ready?.value !== 'ready') throw new Error(`The wallet program did not start: ${written}`);
  return {
    pid: child.pid ?? 0,
    send,
    nextAnswer,
    take: async (step) => {
      send(step);
      const answer = await nextAnswer();
      if (answer === null) throw new Error(`The wallet program ended at ${step.do}: ${written}`);
      return answer;
    },
    output: () => written,
    end: async () => {
      child.stdin.end();
      return (await exited)[0];
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
