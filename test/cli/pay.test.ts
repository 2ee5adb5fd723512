import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import {
  makeScratch,
  noTerminal,
  openTerminal,
  runToEnd,
  spawnPurser,
  type Run,
  type RunParts,
  type Scratch,
} from './program.js';

interface PayResult {
  readonly status: string;
  readonly code: string;
  readonly money: string;
  readonly quote_id: string;
  readonly spent_usd: string;
  readonly session_left_usd: string;
  readonly payment: { readonly id: string; readonly state: string; readonly tx: string };
  readonly response: { readonly body: unknown; readonly stored_id?: string; readonly path?: string };
}

let sandbox: Sandbox;
let scratch: Scratch;
let address: `0x${string}`;
let calls = 0;
beforeAll(async () => {
  [sandbox, scratch] = [await startSandbox(), makeScratch({ here: true })];
  await scratch.makeWallet();
  ({ address } = await json<{ address: `0x${string}` }>('address'));
  await sandbox.chain.fund(address, 5_000_000n);
  for (const [key, value] of [
    ['networks.enabled', JSON.stringify(['eip155:84532', SOLANA_DEVNET])],
    ['networks.eip155:84532.rpc_url', sandbox.rpcUrl],
    [`networks.${SOLANA_DEVNET}.rpc_url`, sandbox.solanaRpcUrl],
    ['net.allow_private', JSON.stringify([sandbox.shop.hostPort])],
  ] as const) {
    const set = ['config', 'set', key, value, '--passphrase-file', scratch.passphraseFile];
    expect(await scratch.purser(set)).toMatchObject({ exit: 0 });
  }
});
afterAll(async () => {
  scratch.remove();
  await sandbox.stop();
});

const unlocked = (more: RunParts = {}): RunParts => ({
  ...more,
  env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile },
});
const purser = (...args: string[]): Promise<Run> => scratch.purser(args, unlocked());
const json = <T = PayResult>(...args: string[]): Promise<T> => scratch.json<T>(args, unlocked());
/** How many payments the ledger has, opened or settled. */
async function paymentCount(): Promise<number> {
  const { entries } = await scratch.json<{ entries: unknown[] }>(['ledger', '--limit', '200']);
  return entries.length;
}
/** A URL no other test has paid for. */
const url = (path: string, query = ''): string => `${sandbox.shop.url}${path}?id=cli${(calls += 1)}${query}`;

describe('quote and pay', () => {
  it('quote shows the price and pays nothing; pay --quote pays that', async () => {
    const before = await sandbox.chain.balanceOf(address);
    const quoted = await json('quote', url('/v2/price/0.002'));
    expect(quoted).toMatchObject({ code: 'quoted', money: 'none', usd: '0.002', verdict: 'allow' });
    expect(await sandbox.chain.balanceOf(address)).toBe(before);
    const paid = await json('pay', '--quote', quoted.quote_id);
    expect(paid).toMatchObject({ code: 'paid', money: 'captured', spent_usd: '0.002' });
    expect(await sandbox.chain.balanceOf(address)).toBe(before - 2_000n);
  });

  it('pay writes the very answer to stdout, and what happened to the money to stderr', async () => {
    const run = await purser('pay', url('/v2/json'), '--max-usd', '0.05');
    expect(run.exit).toBe(0);
    expect(JSON.parse(run.out)).toMatchObject({ city: 'Lisbon' });
    expect(run.err).toMatch(
      /Paid \$0\.01 and got the answer \(HTTP 200\)\.\n {2}pay_[0-9a-f]+: \$0\.01 in USDC/,
    );
  });

  it('a binary answer comes through a pipe byte for byte', async () => {
    const child = spawnPurser(
      ['pay', url('/v2/png'), '--max-usd', '0.05'],
      scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile }),
    );
    const hash = createHash('sha256');
    child.stdout?.on('data', (piece: Buffer) => hash.update(piece));
    child.stderr?.resume();
    const [exit] = (await once(child, 'close')) as [number];
    expect(exit).toBe(0);
    const free = await fetch(`${sandbox.shop.url}/free/png`);
    const goods = createHash('sha256').update(Buffer.from(await free.arrayBuffer()));
    expect(hash.digest('hex')).toBe(goods.digest('hex'));
  });

  it.skipIf(noTerminal() !== null)(
    'nothing a seller wrote steers the terminal it is shown on (T27)',
    async () => {
      const evil = 'a\u001b[2J\u001b]0;owned\u0007b\u202Ec\u200B';
      sandbox.shop.handle('/own/evil', (_order, response) => {
        response.setHeader('content-type', 'text/plain; charset=utf-8');
        response.end(evil);
      });
      const env = scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile, NO_COLOR: '1' });
      const args = ['pay', `${sandbox.shop.url}/own/evil`, '--max-usd', '0.05'];
      const { exit, screen } = await openTerminal(args, env).end();
      expect({ exit, shown: screen.split('\r\n')[0] }).toEqual({ exit: 0, shown: 'a[2J]0;ownedbc' });
      expect(screen).not.toMatch(/[\u001b\u0007\u202E\u200B]/);
      expect(
        (await purser('pay', `${sandbox.shop.url}/own/evil`, '--max-usd', '0.05', '--json')).out,
      ).not.toContain('\u001b');
    },
  );

  it('a large answer is stored, and response pages through it', async () => {
    const paid = await json('pay', url('/v2/large', '&bytes=60000&type=text/plain'), '--max-usd', '0.05');
    const { stored_id: id = '', path = '' } = paid.response;
    expect(path).toContain(scratch.home);
    const page = await json<{ text: string; total: number }>(
      'response',
      id,
      '--offset',
      '100',
      '--length',
      '50',
    );
    expect(page).toMatchObject({ status: 'ok', total: 60_000 });
    expect(page.text).toHaveLength(50);
    const shown = await purser('response', paid.payment.id, '--length', '10');
    expect(shown).toMatchObject({ exit: 0, out: expect.stringMatching(/^.{10}\n$/s) as string });
    expect(shown.err).toContain(`response ${paid.payment.id} --offset 10`);
    expect(await purser('response', 'pay_00000000000000000000')).toMatchObject({ exit: 2 });
  });

  it('sends method, headers and a body from standard input', async () => {
    const args = ['pay', url('/v2/echo'), '-X', 'PUT', '-H', 'X-Trace: a:b', '-d', '-', '--max-usd', '0.05'];
    const { response } = await scratch.json<PayResult>(args, unlocked({ input: '{"n":1}' }));
    expect(response.body).toMatchObject({ method: 'PUT', content_type: 'application/json', body: '{"n":1}' });
  });

  it('a URL that asks nothing is simply called', async () => {
    const run = await purser('pay', url('/free/json'), '--max-usd', '0.05', '--json');
    expect(run.exit).toBe(0);
    expect(JSON.parse(run.out)).toMatchObject({ code: 'not_priced', money: 'none', payment: null });
  });

  it('the same call again is not paid again', async () => {
    const same = url('/v2/json');
    const first = await json('pay', same, '--max-usd', '0.05');
    const again = await json('pay', same, '--max-usd', '0.05');
    expect(again).toMatchObject({ replayed: true, spent_usd: '0.00', payment: { id: first.payment.id } });
    expect(await json('pay', same, '--max-usd', '0.05', '--repeat')).toMatchObject({ spent_usd: '0.01' });
  });

  it('hands over key, reason and bound as they were given', async () => {
    const key = ['--max-usd', '0.05', '--idempotency-key', 'order-1'];
    const paid = await json(
      'pay',
      url('/v2/json'),
      ...key,
      '--reason',
      'for the \u202Ereport',
      '--label',
      'team=search',
      '--label',
      'step=1',
    );
    const shown = await purser('ledger', 'show', paid.payment.id);
    expect(shown.out).toMatch(/^agent's reason +for the report$/m);
    expect(shown.out).toMatch(/^labels +step=1 team=search$/m);
    const totals = await json<{ groups: { key: string }[] }>('ledger', '--view', 'by_label.team');
    expect(totals.groups.map(({ key }) => key)).toContain('search');
    const listed = await json<{ entries: { labels: object }[] }>('ledger', '--limit', '1');
    expect(listed.entries[0]?.labels).toEqual({ step: '1', team: 'search' });
    expect((await purser('ledger', '--csv', '--limit', '1')).out).toContain('step=1 team=search');
    expect((await purser('pay', url('/v2/json'), '--max-usd', '1', '--label', 'team')).err).toContain(
      '--label',
    );
    const other = await purser('pay', url('/v2/json'), ...key, '--json');
    expect({ exit: other.exit, ...(JSON.parse(other.out) as PayResult) }).toMatchObject({
      exit: 2,
      code: 'idempotency_key_reused',
    });
    const slow = await purser(
      'pay',
      url('/free/slow', '&ms=30000'),
      '--max-usd',
      '0.05',
      '--timeout-ms',
      '1000',
      '--json',
    );
    expect(JSON.parse(slow.out)).toMatchObject({ status: 'failed', money: 'none' });
    expect(slow.exit).toBe(1);
  });

  it.each([
    ['above max_usd', ['&usd=0.30'], ['--max-usd', '0.10'], 3, 'price_above_max'],
    ['above the ceiling', ['&usd=6'], ['--max-usd', '10'], 3, 'above_ceiling'],
    ['with a negative max', [''], ['--max-usd=-1'], 2, 'bad_input'],
    ['with a max that is no decimal', [''], ['--max-usd', '1e-2'], 2, 'bad_input'],
    [
      'with both a foreign quote and nothing else',
      [''],
      ['--quote', 'quo_00000000000000000000'],
      2,
      'quote_unknown',
    ],
  ])('%s: nothing is signed', async (_what, [query = ''], flags, exit, code) => {
    const before = await paymentCount();
    const run = await purser('pay', url('/v2/json', query), ...flags, '--json');
    expect({ exit: run.exit, code: (JSON.parse(run.out) as PayResult).code }).toEqual({ exit, code });
    expect(JSON.parse(run.out)).toMatchObject({ money: 'none', payment: null });
    expect(await paymentCount()).toBe(before);
  });

  it('above the cap: the owner decides, the exit code says so, and nothing is signed', async () => {
    const before = await paymentCount();
    const run = await purser('pay', url('/v2/json', '&usd=0.80'), '--max-usd', '1', '--json');
    expect({ exit: run.exit, ...(JSON.parse(run.out) as PayResult) }).toMatchObject({
      exit: 4,
      status: 'approval_required',
      code: 'approval_required',
      money: 'none',
    });
    expect(await paymentCount()).toBe(before);
  });

  it('a URL that is none, or is not allowed, is refused', async () => {
    for (const [bad, exit] of [
      ['ftp://x.example', 2],
      ['nonsense', 2],
      ['http://127.0.0.1:1/', 3],
      ['https://169.254.169.254/', 3],
    ] as const) {
      expect(await purser('pay', bad, '--max-usd', '1')).toMatchObject({ exit, out: '' });
    }
  });

  it('no call is made while the wallet is frozen', async () => {
    await purser('freeze');
    const run = await purser('pay', url('/v2/json'), '--max-usd', '0.05', '--json');
    expect({ exit: run.exit, code: (JSON.parse(run.out) as PayResult).code }).toEqual({
      exit: 3,
      code: 'frozen',
    });
    await purser('unfreeze', '--passphrase-file', scratch.passphraseFile);
  });

  it('a seller that took money and asked again is listed as paused, until its owner ends that', async () => {
    expect(await purser('pay', url('/v2/json', '&fault=second_402'), '--max-usd', '0.05')).toMatchObject({
      exit: 1,
    });
    expect((await purser('pauses')).out).toMatch(new RegExp(`SELLER.*\\n${sandbox.shop.url} +1 +2`));
    const mistyped = sandbox.shop.hostPort.replace('127', '172');
    const unknown = await purser('pauses', 'end', mistyped, '--passphrase-file', scratch.passphraseFile);
    expect(unknown.exit).not.toBe(0);
    expect(unknown.err).toContain(`Did you mean ${sandbox.shop.hostPort}?`);
    const ended = await purser(
      'pauses',
      'end',
      sandbox.shop.hostPort,
      '--passphrase-file',
      scratch.passphraseFile,
    );
    expect(ended).toMatchObject({ exit: 0, out: `No longer paused: ${sandbox.shop.url}.\n` });
  });

  /** Interrupts a call, and waits until it says what it makes of that. */
  async function interrupt(child: ReturnType<typeof spawnPurser>): Promise<void> {
    const told = new Promise<void>((resolve) => {
      child.stderr?.on('data', (piece: Buffer) => {
        if (piece.toString().includes('Ctrl-C once more')) resolve();
      });
    });
    child.kill('SIGINT');
    await told;
  }

  it('Ctrl-C in a call that has paid reads its answer all the same, writes it out and stores it', async () => {
    const { shop } = sandbox;
    const target = url('/v2/gate');
    const id = new URL(target).searchParams.get('id') ?? '';
    const child = spawnPurser(
      ['pay', target, '--max-usd', '0.05', '--json'],
      scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile }),
    );
    const ended = runToEnd(child);
    await shop.begun(id);
    await interrupt(child);
    shop.letGo(id);
    const run = await ended;
    const paid = JSON.parse(run.out) as PayResult;
    expect({ exit: run.exit, body: paid.response.body }).toEqual({ exit: 0, body: { gate: 'open' } });
    expect(await json('response', paid.payment.id)).toMatchObject({ text: '{"gate":"open"}' });
  });

  it('Ctrl-C twice in a paid call leaves a row that says what is known, and exit code 5', async () => {
    const target = url('/v2/json', '&fault=hang');
    const child = spawnPurser(
      ['pay', target, '--max-usd', '0.05', '--json'],
      scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile }),
    );
    const ended = runToEnd(child);
    await sandbox.shop.requests.waitFor(
      ({ url: asked, payment }) => payment !== undefined && target.endsWith(asked.search),
    );
    await interrupt(child);
    child.kill('SIGINT');
    const run = await ended;
    const result = JSON.parse(run.out) as PayResult;
    expect({ exit: run.exit, status: result.status, money: result.money }).toEqual({
      exit: 5,
      status: 'unknown',
      money: 'unknown',
    });
    const shown = await json<{ entries: { state: string; note: string }[] }>(
      'ledger',
      'show',
      result.payment.id,
    );
    expect(shown.entries).toMatchObject([{ state: 'unknown', note: 'cancelled' }]);
    const { payments } = await json<{ payments: { verdict: string }[] }>('reconcile');
    expect(payments.map(({ verdict }) => verdict)).toContain('waits');
  });
});

describe('balance and ledger', () => {
  it('agree with the chain to the atomic unit', async () => {
    const { balances, limits } = await json<{
      balances: { on_chain_atomic: string; address: string }[];
      limits: { name: string; used_usd: string }[];
    }>('balance');
    expect(balances).toMatchObject([
      { network: 'eip155:84532', address, on_chain_atomic: String(await sandbox.chain.balanceOf(address)) },
      { network: SOLANA_DEVNET, on_chain_atomic: '0' },
    ]);
    const { entries } = await json<{ entries: { state: string; amount_atomic: string; tx: string }[] }>(
      ...['ledger', '--limit', '200'],
    );
    const captured = entries.filter(({ state }) => state === 'captured');
    const onChain = await sandbox.chain.payments(address);
    expect(captured.map(({ tx, amount_atomic: amount }) => `${tx} ${amount}`).sort()).toEqual(
      onChain.map(({ transaction, amountAtomic }) => `${transaction} ${amountAtomic}`).sort(),
    );
    expect(captured.length).toBeGreaterThan(3);
    expect(limits.find(({ name }) => name === 'limits.per_day_usd')?.used_usd).not.toBe('0.00');
    expect(await purser('balance')).toMatchObject({
      exit: 0,
      err: '',
      out: expect.stringContaining('Base Sepolia') as string,
    });
  });

  it.skipIf(noTerminal() !== null)('a watched balance shows money that comes, until Ctrl-C', async () => {
    const watch = openTerminal(
      ['balance', '--watch'],
      scratch.env({ PURSER_PASSPHRASE_FILE: scratch.passphraseFile }),
    );
    await watch.sees('Ctrl-C ends.');
    const before = (await sandbox.chain.balanceOf(address)) + 250_000n;
    await sandbox.chain.fund(address, 250_000n);
    // Each look clears the screen; the next one has what came.
    await watch.sees(
      `${before / 1_000_000n}.${String(before % 1_000_000n)
        .padStart(6, '0')
        .replace(/0+$/, '')}`,
    );
    watch.type('\u0003');
    // The shell between us and the program ends by the same signal, so its exit code says nothing of ours.
    expect((await watch.end()).screen).not.toMatch(/error|failed/i);
    const piped = await purser('balance', '--watch');
    expect(piped).toMatchObject({ exit: 2, out: '' });
  });

  it('one network is asked for by its name, and another is refused', async () => {
    expect(await json('balance', '--network', 'eip155:84532')).toMatchObject({ status: 'ok' });
    expect(await purser('balance', '--network', 'eip155:1')).toMatchObject({ exit: 3 });
    expect(await json('address', '--network', 'eip155:84532')).toMatchObject({ address });
    expect(await purser('address', '--network', 'solana:x')).toMatchObject({ exit: 3 });
  });

  it('the table fits 80 columns, and says as much as the JSON', async () => {
    const { entries } = await json<{ entries: { id: string }[] }>('ledger');
    const table = await scratch.purser(['ledger']);
    expect(table.exit).toBe(0);
    const lines = table.out.trimEnd().split('\n');
    expect(lines).toHaveLength(entries.length + 1);
    // A pipe gets each row whole, with what was delivered; nothing is cut.
    expect(lines[0]).toMatch(/^TIME \(.+\) +USD +STATE +WHAT +AGENT +ANSWER +ID +REASON$/);
    expect(table.out).not.toContain('…');
    expect(table.out).toMatch(/captured.*HTTP 200/);
    for (const { id } of entries) expect(table.out).toContain(id);
    expect(table.err).toMatch(/shown\. Total: \$\d+\.\d\d(?:\d+)? paid in \d+ payments/);
    const groups = await json<{ groups: { key: string }[] }>('ledger', '--view', 'by_agent');
    expect(groups.groups.map(({ key }) => key)).toContain('default');
    const host = await scratch.purser(['ledger', '--host', '127.0.0.2']);
    expect(host.err).toMatch(/Nothing in the ledger for this\. Did you mean 127\.0\.0\.1\?/);
  });

  it.skipIf(noTerminal() !== null)(
    'on a terminal it fits 80 columns, and is followed as it changes',
    async () => {
      const { entries } = await json<{ entries: { id: string }[] }>('ledger');
      const env = scratch.env();
      const { screen } = await openTerminal(['ledger'], { ...env, COLUMNS: '80' }).end();
      for (const { id } of entries) expect(screen).toContain(id);
      const lines = screen.split(/\r?\n/).filter((line) => /^\d{4}-|^ {2}pay_/.test(line));
      expect(lines).toHaveLength(entries.length * 2);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
      const following = openTerminal(['ledger', '--follow'], env);
      await following.sees(entries[0]!.id);
      following.type('\u0003');
      // It ends by Ctrl-C alone; the shell that script runs it in ends by the same key and says so.
      const ended = await following.end();
      expect(ended.screen).not.toMatch(/purser:|Error/);
    },
  );

  it('filters, pages and groups', async () => {
    const unknown = await json<{ entries: { state: string }[] }>('ledger', '--state', 'unknown');
    expect(unknown.entries.map(({ state }) => state)).toEqual(['unknown']);
    const first = await json<{ entries: { id: string }[]; next_cursor: string }>('ledger', '--limit', '1');
    const second = await json<{ entries: { id: string }[] }>(
      'ledger',
      '--limit',
      '1',
      '--cursor',
      first.next_cursor,
    );
    expect(second.entries[0]?.id).not.toBe(first.entries[0]?.id);
    expect(await json('ledger', '--host', 'other.example')).toMatchObject({ entries: [] });
    expect(await json('ledger', '--until', '1h')).toMatchObject({ entries: [] });
    const { groups } = await json<{ groups: { key: string; payments: number }[] }>(
      'ledger',
      '--view',
      'by_host',
      '--since',
      '1h',
    );
    expect(groups).toMatchObject([{ key: '127.0.0.1' }]);
    expect((await scratch.purser(['ledger', '--view', 'by_day'])).out).toContain('CAPTURED USD');
  });

  it('policy test says what a policy would have stopped, moves nothing, and ends by its exit code', async () => {
    const file = join(scratch.home, 'policy.json');
    const { out } = await scratch.purser(['policy', 'export']);
    const test = (text: string): Promise<Run> => {
      writeFileSync(file, text);
      return scratch.purser(['policy', 'test', '--policy', file, '--against', '1h..', '--json']);
    };
    const denied = await test(out.replace('"hosts.deny": []', '"hosts.deny": ["127.0.0.1"]'));
    expect(denied.exit).toBe(3);
    const told = JSON.parse(denied.out) as {
      judged: object;
      refused: object;
      changes: { verdict: string }[];
    };
    expect(told.refused).toEqual(told.judged);
    expect(told.changes[0]).toMatchObject({ verdict: 'refuse', reasons: [{ code: 'host_denied' }] });
    const asked = await test(out.replace('"limits.per_call_usd": "0.50"', '"limits.per_call_usd": "0.00"'));
    expect(asked.exit).toBe(4);
    expect((await scratch.purser(['policy', 'test', '--against', 'last-week'])).exit).toBe(0);
    expect((await scratch.purser(['policy', 'test', '--against', 'never'])).exit).toBe(2);
  });

  it('CSV has a row a payment under named columns', async () => {
    const { entries } = await json<{ entries: { id: string; url: string }[] }>('ledger', '--limit', '200');
    const { out } = await scratch.purser(['ledger', '--csv', '--limit', '200']);
    const [names, ...rows] = out.trimEnd().split('\r\n');
    expect(names).toContain('time,id,state');
    expect(rows).toHaveLength(entries.length);
    expect(rows[0]).toContain(entries[0]?.url);
  });

  it('shows one payment to somebody without the keys', async () => {
    const { entries } = await json<{ entries: { id: string; state: string }[] }>(
      'ledger',
      '--state',
      'unknown',
    );
    const id = entries[0]?.id ?? '';
    const run = await scratch.purser(['ledger', 'show', id]);
    expect(run.exit).toBe(0);
    expect(run.out).toMatch(/^state +unknown$/m);
    expect(run.err).toContain('the wallet is locked');
    expect(await scratch.purser(['ledger', 'show', 'pay_00000000000000000000'])).toMatchObject({ exit: 2 });
  });

  it('a reader that leaves early does no harm', async () => {
    const child = spawnPurser(['ledger', '--json'], scratch.env());
    child.stdout?.destroy();
    const { exit } = await runToEnd(child);
    expect(exit).toBe(0);
  });

  it('the audit holds after all of it', async () => {
    expect(await json('audit')).toMatchObject({ status: 'ok', findings: [] });
  });

  it('an RPC that is down makes that balance unknown, and no failure', async () => {
    await sandbox.rpc.setFault({ kind: 'down' });
    try {
      const run = await purser('balance', '--json');
      expect(run.exit).toBe(0);
      expect(JSON.parse(run.out)).toMatchObject({
        balances: [
          { on_chain: null, spendable: null },
          { on_chain: '0', spendable: '0' },
        ],
      });
    } finally {
      await sandbox.rpc.setFault(null);
    }
  });
});
