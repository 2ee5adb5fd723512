import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runCli } from '../cli.js';
import { commands } from '../commands.js';
import { fakeIo } from '../terminal/io.fixture.js';

async function scriptFor(shell: string): Promise<{ exit: number; out: string }> {
  const io = fakeIo({ env: { PURSER_HOME: '/nonexistent/purser-home' } });
  return { exit: await runCli(['completion', shell], io), out: io.out() };
}

describe('the script for bash', () => {
  it.each([
    ['purser con', ['config', 'connect']],
    ['purser config ', ['get', 'set', 'add', 'remove', 'edit', 'accept', 'path']],
    ['purser config se', ['set']],
    ['purser --json ledger sh', ['show']],
    ['purser pay --max', ['--max-usd']],
    ['purser agents fund researcher --us', ['--usd']],
    ['purser frobnicate ', []],
  ])('completes %j as a real bash asks it', async (line, wanted) => {
    const { out } = await scriptFor('bash');
    const words = line.split(' ');
    const ask = `${out}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _purser; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync('bash', ['--norc', '-c', ask, 'bash', ...words], { encoding: 'utf8' });
    const offered = said.split('\n').filter((word) => word !== '' && !word.startsWith('--h'));
    expect(offered).toEqual(wanted);
  });
});

it.each(['bash', 'zsh', 'fish'])(
  'the script for %s has every command and nothing a shell would run',
  async (shell) => {
    const { exit, out } = await scriptFor(shell);
    expect(exit).toBe(0);
    for (const { name } of commands) for (const word of name.split(' ')) expect(out).toContain(word);
    expect(out).not.toMatch(/[`]|\$\((?!compgen)/);
  },
);

it('another shell is refused, and no wallet is needed', async () => {
  expect((await scriptFor('tcsh')).exit).toBe(2);
});
