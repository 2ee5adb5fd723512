import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Config } from '../config/settings.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import { assertInvariant, WalletError } from '../errors/walletError.js';
import type { BudgetUse } from '../ledger/books/budget.js';
import { formatUsd } from '../money/decimal.js';
import type { UsdMicros } from '../money/unit.js';
import type { Labels } from '../payment/labels.js';
import { endSoon } from '../server/endSoon.js';
import { NoticeKeeper } from '../server/noticeKeeper.js';
import { TelemetryKeeper } from '../server/telemetryKeeper.js';
import { settleBinding } from '../server/http/socket/binding.js';
import { budgetError } from '../wallet/answer/refusal.js';
import { agentBudgetLines } from '../wallet/call/ownerRules.js';
import type { Engine, WalletOptions } from '../wallet/engine.js';
import { Wallet } from '../wallet/wallet.js';
import { runAccess } from './access.js';
import { startOf, type ProgramStart } from './programEnv.js';
import { startProxy } from './proxy.js';
import { newProxyToken } from './token.js';

/** Signals that are passed on to the program; what it does with them is its own. */
const PASSED_ON: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
/** Those that a terminal sends to all it runs: the program has them already. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** As shells answer for a program that is not there, and for one that cannot be run. */
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_RUN = 126;
/** What they add to the number of the signal that ended a program. */
const EXIT_SIGNAL = 128;
/** A program's name in the ledger and in the run's budget. */
const NAME_LENGTH_MAX = 60;

/** What a program is run with. */
export interface RunOptions {
  readonly wallet: WalletOptions;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** What it may spend; what the owner's limit on a session is unless given. */
  readonly budgetUsdMicros: UsdMicros | undefined;
  /** What each of its payments is tagged with. */
  readonly labels: Labels;
  /** After this nothing is paid for it any more, ms. */
  readonly forMs: number;
  readonly tellOwner: (step: OwnerStep | null) => string | null;
  /** Whether the program and this one share a terminal. */
  readonly atTerminal: boolean;
}

/** What came of a run. */
export interface RunEnd {
  readonly exitCode: number;
  readonly use: BudgetUse | null;
}

/**
 * Runs a program under a budget of its own, with its environment set so that it asks a proxy that lives as long as it
 * does. The run ends with the program; where this process is killed nobody answers its token any more, and the budget ends
 * by its time (T42).
 *
 * Throws what opening the wallet throws, `config_invalid` where there is no upstream, `budget_*`.
 */
export async function runProgram(options: RunOptions): Promise<RunEnd> {
  const wallet = new Wallet(options.wallet, { reconcile: true });
  const telemetry = new TelemetryKeeper(options.wallet.version);
  try {
    const engine = await wallet.engine();
    await engine.assertActive();
    // Its agent may be refilled while the program runs, and its owner hears of what stands in the way.
    new NoticeKeeper(options.wallet).begin(engine);
    telemetry.over(engine);
    await telemetry.start();
    const config = await engine.config();
    const token = newProxyToken();
    const [program = ''] = options.command;
    const id = await openRun(engine, config, {
      name: program.slice(-NAME_LENGTH_MAX),
      amountUsdMicros: options.budgetUsdMicros ?? config.limits.perSessionUsdMicros,
      forMs: options.forMs,
    });
    let exitCode: number;
    try {
      const proxy = await startProxy({
        binding: settleBinding({ tls: false, behindProxy: false }),
        at: { kind: 'address', host: '127.0.0.1', port: 0 },
        tls: null,
        access: runAccess(wallet, token, { budgetId: id, labels: options.labels }),
        tellOwner: options.tellOwner,
        tracer: telemetry.tracer,
      });
      try {
        const start = startOf(options.command, options.wallet.env, config, { url: proxy.url, token });
        exitCode = await untilExit(start, options.atTerminal);
      } finally {
        await proxy.close();
      }
    } finally {
      await engine.ledger.budgets.end(id, engine.now());
    }
    return { exitCode, use: await engine.ledger.budgets.use(id, engine.now()) };
  } finally {
    await telemetry.close();
    await wallet.close();
    endSoon();
  }
}

/** Opens a run of the agent's, taken out of the owner's budgets that it is in. Answers its id. Throws `budget_*`. */
async function openRun(
  engine: Engine,
  config: Config,
  run: { readonly name: string; readonly amountUsdMicros: UsdMicros; readonly forMs: number },
): Promise<string> {
  const { ledger, agent } = engine;
  const nowMs = engine.now();
  const { name, amountUsdMicros } = run;
  const opened = await ledger.budgets.open(
    {
      parentId: config.agents.budgets.get(agent) ?? null,
      ...{ kind: 'run', agent, name, amountUsdMicros },
      expiresMs: nowMs + run.forMs,
      capLines: agentBudgetLines(config, agent, nowMs),
    },
    nowMs,
  );
  if (opened.kind === 'open') return opened.node.id;
  if (opened.kind === 'budget') throw budgetError(opened, amountUsdMicros);
  const [passed] = opened.exceeded;
  assertInvariant(passed !== undefined, 'a run that is not opened has something in its way');
  const { line, usedUsdMicros } = passed;
  const left = line.usdMicrosMax > usedUsdMicros ? line.usdMicrosMax - usedUsdMicros : 0n;
  throw new WalletError(
    'budget_spent',
    `A run with $${formatUsd(amountUsdMicros)} does not fit ${line.name} of $${formatUsd(line.usdMicrosMax)}: $${formatUsd(left)} is left.`,
    {
      owner: {
        say: 'Start it with less, or raise the budget.',
        action: { kind: 'chooseSetting', key: line.name, example: 'USD' },
      },
    },
  );
}

/** Starts a program in this one's place: its input and output are ours, and signals go to it. Answers its exit code. */
async function untilExit({ program, args, env }: ProgramStart, atTerminal: boolean): Promise<number> {
  let child: ChildProcess | undefined;
  const listeners = PASSED_ON.map((signal) => {
    const isThere = atTerminal && FROM_TERMINAL.includes(signal);
    const pass = (): void => void (isThere || child?.kill(signal));
    process.on(signal, pass);
    return { signal, pass };
  });
  try {
    return await new Promise<number>((resolve, reject) => {
      child = spawn(program, [...args], { stdio: 'inherit', env: { ...env } });
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (child?.pid !== undefined) return;
        reject(new ProgramFault(program, error.code === 'ENOENT'));
      });
      child.once('exit', (code, signal) =>
        resolve(code ?? EXIT_SIGNAL + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    for (const { signal, pass } of listeners) process.off(signal, pass);
  }
}

/** A program that could not be started. */
export class ProgramFault extends WalletError {
  /** As a shell answers for it. */
  readonly shellExit: number;

  constructor(program: string, isMissing: boolean) {
    super(
      'bad_input',
      isMissing
        ? `There is no program ${JSON.stringify(program)}.`
        : `${JSON.stringify(program)} cannot be run.`,
    );
    this.shellExit = isMissing ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
  }
}

/** What a run came to, in a sentence. */
export function sumOf({ node, capturedUsdMicros, liveUsdMicros }: BudgetUse): string {
  const open = liveUsdMicros === 0n ? '' : ` Payments of $${formatUsd(liveUsdMicros)} may still settle.`;
  return `${node.name} spent $${formatUsd(capturedUsdMicros)} of $${formatUsd(node.amountUsdMicros)}.${open} Run ${node.id} has ended.`;
}
