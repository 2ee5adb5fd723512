#!/usr/bin/env node
// Plain JavaScript for any Node that reads modules; nothing is imported before this Node is known to be new enough.
// An older one does not fail on better-sqlite3's binary, it ends with a segmentation fault.
const NAPI_MIN = 10;
const EXIT_SET_UP = 6;

function stop(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = EXIT_SET_UP;
}

if (!(Number(process.versions.napi) >= NAPI_MIN)) {
  stop(
    `Purser needs Node 22.14 or later and was started by Node ${process.versions.node}: ` +
      'install a newer Node (https://nodejs.org) and have your MCP client start that one.',
  );
} else {
  const { existsSync } = await import('node:fs');
  const main = new URL('../dist/main.js', import.meta.url);
  if (existsSync(main)) {
    await keepCompiledCode();
    await import(main.href);
  } else {
    stop('Purser is not built yet; run: npm run build');
  }
}

/**
 * Has Node keep compiled code in the user's own cache folder: a third off the time to start. Node's default, a
 * folder under the shared /tmp, will not do: whoever makes it first could hand a wallet code to run.
 */
async function keepCompiledCode() {
  const [{ enableCompileCache }, { existsSync, mkdirSync, statSync }, { homedir }, { dirname, join }] =
    await Promise.all([import('node:module'), import('node:fs'), import('node:os'), import('node:path')]);
  try {
    const { platform, env } = process;
    const caches =
      platform === 'win32'
        ? env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local')
        : platform === 'darwin'
          ? join(homedir(), 'Library', 'Caches')
          : env.XDG_CACHE_HOME || join(homedir(), '.cache');
    const folder = join(caches, 'purser');
    const missing = [];
    // By our own steps: Node's never end under /proc.
    for (let at = folder; !existsSync(at); at = dirname(at)) missing.unshift(at);
    for (const at of missing) mkdirSync(at, { mode: 0o700 });
    const { uid, mode } = statSync(folder);
    const isOurs = platform === 'win32' || (uid === process.geteuid() && (mode & 0o022) === 0);
    if (isOurs) enableCompileCache?.(folder);
  } catch {
    // A home that cannot be written costs some milliseconds a start.
  }
}
