import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { COMPILED, runHere, type Run } from '../cli/program.js';
import { Agent } from '../mcp/purser.js';
import type { TestWallet } from '../support/testWallet.js';

/** The environment of a program over a wallet: what unlocks the keystore, and nothing of the tester's own. */
export function envOf({ home, passphraseFile }: Pick<TestWallet, 'home' | 'passphraseFile'>) {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CACHE_HOME: COMPILED,
    PURSER_HOME: home,
    PURSER_PASSPHRASE_FILE: passphraseFile,
  };
}

/** A real MCP client on a server over stdio that speaks for one agent. */
export function connectAs(wallet: TestWallet, name: string): Promise<Agent> {
  return Agent.connect({ ...envOf(wallet), PURSER_AGENT: name });
}

/** Calls a tool for its outcome. */
export async function outcomeOf(
  agent: Agent,
  tool: string,
  args: Record<string, unknown> = {},
): Promise<ToldOutcome> {
  return (await agent.call(tool, args)).outcome;
}

/** Runs a command as whoever can unlock the keystore. */
export function asAnyone(wallet: TestWallet, ...args: string[]): Promise<Run> {
  return runHere(args, envOf(wallet));
}

/** Runs a command as the owner, who gives the passphrase for it. */
export function asOwner(wallet: TestWallet, ...args: string[]): Promise<Run> {
  return asAnyone(wallet, ...args, '--passphrase-file', wallet.passphraseFile);
}
