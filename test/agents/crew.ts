import { fileURLToPath } from 'node:url';
import { runCli } from '../../src/cli/cli.js';
import { fakeIo } from '../../src/cli/terminal/io.fixture.js';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { runToEnd, spawnPurser, type Run } from '../cli/program.js';
import { Agent } from '../mcp/purser.js';
import type { TestWallet } from '../support/testWallet.js';

/** Where the program keeps compiled code: not in the wallet's folder. */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/purser-test', import.meta.url));

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

/** Runs a command of the program's own code in this process: its start is not what is tested. */
export async function runHere(env: Record<string, string>, args: readonly string[]): Promise<Run> {
  const io = { ...fakeIo({ env }), now: Date.now };
  const exit = await runCli(args, io);
  return { exit, out: io.out(), err: io.err() };
}

/** Runs a command as whoever can unlock the keystore. */
export function asAnyone(wallet: TestWallet, ...args: string[]): Promise<Run> {
  return runToEnd(spawnPurser(args, envOf(wallet)));
}

/** Runs a command as the owner, who gives the passphrase for it. */
export function asOwner(wallet: TestWallet, ...args: string[]): Promise<Run> {
  return asAnyone(wallet, ...args, '--passphrase-file', wallet.passphraseFile);
}
