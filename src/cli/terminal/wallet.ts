import { agentOf } from '../../money/agent.js';
import type { Engine, WalletOptions } from '../../wallet/engine.js';
import type { OwnerAuth, OwnerOptions } from '../../owner/auth/ownerAuth.js';
import type { Wallet } from '../../wallet/wallet.js';
import type { CommandCall } from '../command.js';
import { ownerCommand } from '../line/line.js';
import { isInteractive } from './io.js';
import { confirmInBrowser } from '../approvals/ownerPage.js';
import { factorPassphrase, ownerPassphrase, quietPassphrase, unlockPassphrase } from '../setUp/passphrase.js';

/** The flag that every command takes which opens the keystore. */
const PASSPHRASE_FLAG = 'passphraseFile';

/** How this run of a command opens the wallet. */
export function walletOptions({ io, home, flags }: CommandCall): WalletOptions {
  const agent = flags.text('agent') ?? agentOf(io.env);
  return {
    ...(agent === undefined ? {} : { agent }),
    home,
    version: io.version,
    env: io.env,
    platform: io.platform,
    now: io.now,
    passphrase: unlockPassphrase(io, home, flags.text(PASSPHRASE_FLAG)),
    ownerCommand: (action) => ownerCommand(action, io),
  };
}

/** {@link walletOptions} of a look that needs no keys: it asks for what unlocks them only with `--unlock`. */
export function lookOptions(call: CommandCall): WalletOptions {
  const { io, home, flags } = call;
  const options = walletOptions(call);
  if (flags.has('unlock')) return options;
  return { ...options, passphrase: quietPassphrase(io, home, flags.text(PASSPHRASE_FLAG)) };
}

/**
 * How this run of a command shows that the owner is at it. `factorFlag` is the flag of the factor there is already;
 * where a new one is added, `--factor-file` is the new one's.
 */
export function ownerAuth(call: CommandCall, factorFlag = 'factorFile'): OwnerAuth {
  const { io, home, flags } = call;
  return {
    passphrase: ownerPassphrase(io, home, flags.text(PASSPHRASE_FLAG)),
    atTerminal: isInteractive(io),
    factor: factorPassphrase(io, flags.text(factorFlag)),
    confirm: (act, owned) => confirmInBrowser(call, act, owned),
    confirms: call.confirms,
  };
}

/** How this run of a command does what is the owner's. */
export function ownerOptions(call: CommandCall, factorFlag?: string): OwnerOptions {
  const { home, now, passphrase } = walletOptions(call);
  return { home, now, passphrase, auth: ownerAuth(call, factorFlag) };
}

/** Runs work on the wallet and lets go of it. */
export async function withWallet<T>(
  call: CommandCall,
  work: (wallet: Wallet) => Promise<T>,
  options = walletOptions(call),
): Promise<T> {
  const { Wallet } = await import('../../wallet/wallet.js');
  const wallet = new Wallet(options);
  try {
    return await work(wallet);
  } finally {
    await wallet.close();
  }
}

/** Runs work on the unlocked wallet and lets go of it. Throws what opening throws. */
export async function withEngine<T>(call: CommandCall, work: (engine: Engine) => Promise<T>): Promise<T> {
  return withWallet(call, async (wallet) => work(await wallet.engine()));
}

/**
 * Runs work that Ctrl-C cancels: what was signed is then written down before the process ends. A second Ctrl-C ends
 * it at once.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await work(interrupted.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/**
 * Runs a call that may pay. The first Ctrl-C cancels what was not sent yet, and `told` says so; what was paid for is read on
 * until `leaving` aborts: by a second Ctrl-C, or by SIGTERM, after which little time is left. A third ends the process.
 */
export async function untilLeft<T>(
  work: (signal: AbortSignal, leaving: AbortSignal) => Promise<T>,
  told: () => void,
): Promise<T> {
  const [interrupted, leaving] = [new AbortController(), new AbortController()];
  const leave = (): void => {
    process.off('SIGINT', stop);
    interrupted.abort();
    leaving.abort();
  };
  const stop = (): void => {
    if (interrupted.signal.aborted) return leave();
    interrupted.abort();
    told();
  };
  process.on('SIGINT', stop);
  process.once('SIGTERM', leave);
  try {
    return await work(interrupted.signal, leaving.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', leave);
  }
}
