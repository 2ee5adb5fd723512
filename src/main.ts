import { isatty } from 'node:tty';
import { version } from './version.js';

/** File descriptor of stdin. */
const STDIN = 0;

/**
 * Runs `purser`: the MCP server where an MCP client started it (no arguments, stdin no terminal), else the command line.
 * Each loads its own parts only, so that neither waits for the other's.
 */
async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 && !isatty(STDIN)) {
    const { serveStdioWallet } = await import('./server/stdio.js');
    return serveStdioWallet({ version, env: process.env, platform: process.platform });
  }
  const { runCli } = await import('./cli/cli.js');
  const { stdin, stdout, stderr, env, platform } = process;
  return runCli([...args], { stdin, stdout, stderr, env, platform, now: Date.now, version });
}

process.exitCode = await main(process.argv.slice(2));
