import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Resolves with the first output line that matches; rejects if the process ends before. */
async function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) if (pattern.test(line)) return line;
  throw new Error(`Ended without ${String(pattern)}`);
}

/** Resolves once nothing listens at `url` any more; the test's own time limit bounds it. */
async function refused(url: string): Promise<void> {
  for (;;) {
    const answered = await fetch(url, { method: 'POST', body: '{}' }).then(
      () => true,
      () => false,
    );
    if (!answered) return;
    await delay(10);
  }
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

// Only util-linux has a setpriv that can do it; elsewhere the pipe is what the sandbox uses.
const WATCHES = process.platform === 'linux' ? ['setpriv', 'pipe'] : ['pipe'];

test.each(WATCHES)('anvil dies with a parent that was killed (%s)', async (deathWatch) => {
  const script = `
    import { startSandbox } from './world.ts';
    const { chain } = await startSandbox({ deathWatch: '${deathWatch}' });
    console.log(JSON.stringify({ pid: chain.pid, url: chain.url }));
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: HERE,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid, url } = JSON.parse(await lineOf(parent, /"pid"/)) as { pid: number; url: string };
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBeGreaterThan(0);
  expect(hasEnded(pid)).toBe(false);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await refused(url);
  // Where nobody reaps orphans a killed process stays as a zombie: it listens no more, and its pid may still answer.
  for (let waits = 0; waits < 100 && !hasEnded(pid) && !(await isZombie(pid)); waits++) await delay(10);
  expect(hasEnded(pid) || (await isZombie(pid))).toBe(true);
});

async function isZombie(pid: number): Promise<boolean> {
  const ps = spawn('ps', ['-o', 'stat=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of ps.stdout) text += String(chunk);
  return text.trim() === '' || text.trim().startsWith('Z');
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'the kept-up sandbox funds, is steered, and ends cleanly on %s',
  async (signal) => {
    const address = '0x00000000000000000000000000000000000000aa';
    const child = spawn(process.execPath, ['main.ts', '--fund', address, '--usd', '2.5'], {
      cwd: HERE,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.startsWith('Funded')) break;
    }
    const text = lines.join('\n');
    const rpcUrl = /rpc_url (http:\S+) --passphrase-file F/.exec(text)![1]!;
    const shops = /net\.allow_private '\["(127\.0\.0\.1:\d+)","(127\.0\.0\.1:\d+)"\]'/.exec(text)!;
    const [hostPort, mppHostPort] = [shops[1]!, shops[2]!];
    const control = /^Control\s+(http:\S+?):? /m.exec(text)![1]!;

    const post = async (name: string, body: unknown) =>
      (await fetch(`${control}/${name}`, { method: 'POST', body: JSON.stringify(body) })).json();
    expect(await post('balance', { address })).toEqual({ usd: '2.5' });
    expect(await post('fund', { address, usd: '0.5' })).toEqual({ address, usd: '3' });
    await post('fault', { path: '/v2/json', fault: 'error_unpaid', times: 1 });
    expect((await fetch(`http://${hostPort}/v2/json`)).status).toBe(500);
    expect((await fetch(`http://${hostPort}/v2/json`)).status).toBe(402);
    expect((await fetch(`http://${mppHostPort}/tempo`)).status).toBe(402);
    expect(await post('nonsense', {})).toMatchObject({ error: expect.stringContaining('fund') });
    expect(await post('fund', { address: 'x' })).toMatchObject({ error: expect.stringContaining('address') });

    child.kill(signal);
    expect((await once(child, 'exit'))[0]).toBe(0);
    await refused(rpcUrl);
    await refused(`http://${hostPort}/free/json`);
    await refused(`http://${mppHostPort}/tempo`);
  },
);
