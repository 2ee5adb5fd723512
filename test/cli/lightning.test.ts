import { writeFileSync } from 'node:fs';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import encodeQr from 'qr';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readInvoice, type Invoice } from '../../src/protocols/l402/invoice.js';
import { addOwners } from '../approvals/owner.js';
import { startLightningWorld, type LightningWorld } from '../support/lightningWorld.js';
import { anyCall } from '../support/testWallet.js';
import { ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import { makeScratch, runHere, type Run, type Scratch } from './program.js';

const PIXELS_A_MODULE = 3;

let world: LightningWorld;
let scratch: Scratch;
const runs: Run[] = [];

beforeAll(async () => {
  world = await startLightningWorld('nwc');
  scratch = makeScratch();
  writeFileSync(scratch.passphraseFile, `${TEST_PASSPHRASE}\n`, { mode: 0o600 });
});
afterAll(async () => {
  scratch.remove();
  await world.close();
});

/** Runs a command over the world's wallet, as its owner. */
async function owner(args: readonly string[], input?: string | Buffer): Promise<Run> {
  const env = scratch.env({ PURSER_HOME: world.home });
  const run = await runHere([...args, '--passphrase-file', scratch.passphraseFile], env, input);
  runs.push(run);
  return run;
}

async function json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
  const run = await owner([...args, '--json']);
  expect(run, args.join(' ')).toMatchObject({ exit: 0 });
  return JSON.parse(run.out) as T;
}

/** The connection string as a wallet shows it. */
function picture() {
  const modules = encodeQr(world.connection, 'raw', { ecc: 'medium', border: 4 });
  const width = modules.length * PIXELS_A_MODULE;
  const data = Buffer.alloc(width * width * 4, 255);
  for (const [y, row] of modules.entries())
    for (const [x, isDark] of row.entries())
      for (let i = 0; isDark && i < PIXELS_A_MODULE ** 2; i += 1) {
        const [dx, dy] = [i % PIXELS_A_MODULE, Math.floor(i / PIXELS_A_MODULE)];
        const at = ((y * PIXELS_A_MODULE + dy) * width + x * PIXELS_A_MODULE + dx) * 4;
        data.fill(0, at, at + 3);
      }
  return { width, height: width, data };
}

function png(): Buffer {
  const { width, height, data } = picture();
  return PNG.sync.write(Object.assign(new PNG({ width, height }), { data }));
}

test.each([
  ['text', () => Buffer.from(`${world.connection}\n`)],
  ['a PNG of its QR code', png],
  ['a JPEG of its QR code', () => jpeg.encode(picture(), 70).data],
])('a wallet is connected by %s from stdin, and what it permits is shown', async (_what, given) => {
  const run = await owner(['lightning', 'connect'], given());
  expect(run).toMatchObject({ exit: 0 });
  expect(run.out).toContain('Connected: sellers are paid on');
  for (const shown of [
    'Balance: 100000 sat.',
    'It permits: get_info, get_balance, pay_invoice',
    'tells no budget of its own',
  ])
    expect(run.err).toContain(shown);
});

test('a picture is taken by its name, and what shows no QR code is refused', async () => {
  const file = scratch.path('connection.png');
  writeFileSync(file, png());
  expect(await owner(['lightning', 'connect', '--qr', file])).toMatchObject({ exit: 0 });
  const { width, height } = picture();
  const blank = PNG.sync.write(new PNG({ width, height }));
  for (const [given, why] of [
    [blank, 'There is no QR code in the picture'],
    [blank.subarray(0, 60), 'The picture cannot be read'],
  ] as const) {
    const run = await owner(['lightning', 'connect'], given);
    expect(run.exit).not.toBe(0);
    expect(run.err).toContain(why);
  }
});

test('fund --sat makes an invoice over so much, of the connected wallet', async () => {
  const made = await json<{ invoice: string }>(['fund', '--sat', '1500']);
  const invoice = readInvoice(made.invoice) as Invoice;
  expect(invoice).toMatchObject({ amountMsat: 1_500_000n, payee: world.node.id });
  const shown = await owner(['fund', '--sat', '20']);
  expect(shown.out).toMatch(/pay this invoice over 20 sat\.\n\nlnbcrt200n1\w+\n/);
  expect(await owner(['fund', '--sat', '0'])).toMatchObject({ exit: 2 });
  expect(await owner(['fund', '--sat', '1.5'])).toMatchObject({ exit: 2 });
});

test('a payment that its wallet calls paid and shows no proof of ends by its owner’s word, counted whole', async () => {
  world.node.behave({ kind: 'hides_proof' });
  const wallet = world.open();
  const url = `${world.shop.url}/l402/500/count/`;
  const told = await wallet.pay({ url, max_usd: '1.00', timeout_ms: 4_000 }, anyCall());
  expect(told).toMatchObject({ status: 'unknown' });
  const { payments } = await json<{ payments: { reason: string; tell_owner: { command: string } }[] }>([
    'reconcile',
  ]);
  expect(payments).toMatchObject([{ reason: 'no_proof' }]);
  expect(JSON.stringify(payments[0]?.tell_owner)).toContain(`lightning count ${told.payment!.id}`);
  const counted = await json(['lightning', 'count', told.payment!.id]);
  expect(counted).toMatchObject({ counted: true, payment: { state: 'captured', captured_usd: '0.51' } });
  expect(world.node.asked).toHaveLength(1);
  const again = await owner(['lightning', 'count', told.payment!.id]);
  expect(again.err).toContain('is not open');
});

test('a payment that may still be made is not counted as paid, nor its wallet let go of unless it is said', async () => {
  world.node.behave({ kind: 'holds' });
  const wallet = world.open();
  const url = `${world.shop.url}/l402/500/held/`;
  const told = await wallet.pay({ url, max_usd: '1.00', timeout_ms: 4_000 }, anyCall());
  const early = await owner(['lightning', 'count', told.payment!.id]);
  expect(early.exit).not.toBe(0);
  expect(early.err).toContain('It can be counted as paid after');
  const kept = await owner(['lightning', 'disconnect']);
  expect(kept.err).toContain('1 payment by Lightning is still open');
  expect(await owner(['lightning', 'disconnect', '--leave-open'])).toMatchObject({ exit: 0 });
  const { payments } = await json<{ payments: object[] }>(['reconcile']);
  expect(payments).toMatchObject([
    { verdict: 'waits', reason: 'other_wallet', payment: { state: 'unknown' } },
  ]);
});

test('a Lightning wallet is connected by two owners who give the same one, whatever it has by then', async () => {
  const passphrases = { owner: 'the first owner says yes', bob: 'bob says yes to it too' };
  await addOwners(ownerOf(world.home, TEST_PASSPHRASE), passphrases);
  const [owners, bobs] = Object.entries(passphrases).map(([name, passphrase]) => {
    const file = scratch.path(`${name}.factor`);
    writeFileSync(file, passphrase, { mode: 0o600 });
    return ['--factor-file', file];
  }) as [string[], string[]];
  const connect = ['lightning', 'connect', '--leave-open'];
  const proposed = await owner([...connect, ...owners], world.connection);
  expect(proposed).toMatchObject({ exit: 4 });
  expect(proposed.err).toContain('bob gives the same command and the connection string of the same wallet');
  const id = /prp_[0-9a-f]{20}/.exec(proposed.err)?.[0] ?? '';
  expect((await owner(['owners', 'show', id])).out).toContain('lightning connect --leave-open');
  expect((await owner(['lightning', 'show'])).out).not.toContain('Balance');
  // Without the flag it is another act.
  expect(await owner(['lightning', 'connect', ...bobs], world.connection)).toMatchObject({ exit: 4 });
  world.node.balanceMsat -= 1_000_000n;
  expect(await owner(['owners', 'confirm', id, ...bobs], world.connection)).toMatchObject({ exit: 0 });
  expect((await owner(['lightning', 'show'])).out).toContain('Balance: ');
});

test('no run shows the secret by which the wallet is reached', () => {
  const secret = new URL(world.connection).searchParams.get('secret') ?? '';
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  for (const { out, err } of runs) expect(out + err).not.toContain(secret);
});
