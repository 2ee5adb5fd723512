// The main job, shown on real parts: two local chains with USDC, of the EVM with Circle's own contract, an x402
// facilitator and shop, the wallet as an MCP server over stdio, and a real MCP client in the agent's place. Nothing
// leaves this machine.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { SOLANA_DEVNET } from '../sandbox/solana/chain.ts';
import { startSandbox, type Sandbox } from '../sandbox/world.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../bin/purser.js', import.meta.url));
const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const bold = (text: string): string => (colour ? `\u001b[1m${text}\u001b[0m` : text);
const dim = (text: string): string => (colour ? `\u001b[2m${text}\u001b[0m` : text);
const usdc = (atomic: bigint): string =>
  `${atomic / 1_000_000n}.${(atomic % 1_000_000n).toString().padStart(6, '0')} USDC`;

let step = 0;
function title(text: string): void {
  step += 1;
  console.log(`\n${bold(`${step}. ${text}`)}`);
}

/** Stops the demo with its reason: every figure shown is checked against the chain. */
function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  throw new Error(`The demo found ${what} to be ${String(actual)} instead of ${String(expected)}.`);
}

interface Result {
  readonly [field: string]: unknown;
  readonly message: string;
  readonly code: string;
  readonly money: string;
}

async function demo(sandbox: Sandbox, home: string): Promise<void> {
  const passphraseFile = join(home, 'passphrase');
  writeFileSync(passphraseFile, 'only for the demo', { mode: 0o600 });
  const wallet = join(home, 'wallet');
  const env = { ...process.env, PURSER_HOME: wallet, PURSER_PASSPHRASE_FILE: passphraseFile } as Record<
    string,
    string
  >;
  const purser = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [program, ...args], { env })).stdout.trim();
  const { chain, shop, solana } = sandbox;

  title('The owner makes a throw-away wallet, allows the local shop and sets caps');
  await purser('init', '--keystore', 'file', '--passphrase-file', passphraseFile, '--yes', '--testnet');
  const settings = [
    ['networks.eip155:84532.rpc_url', sandbox.rpcUrl],
    [`networks.${SOLANA_DEVNET}.rpc_url`, sandbox.solanaRpcUrl],
    ['networks.enabled', JSON.stringify(['eip155:84532', SOLANA_DEVNET])],
    ['net.allow_private', JSON.stringify([shop.hostPort])],
    ['limits.per_call_usd', '0.05'],
    ['ceilings.per_call_usd', '0.10'],
  ] as const;
  for (const [key, value] of settings) {
    await purser('config', 'set', key, value, '--passphrase-file', passphraseFile);
    console.log(dim(`   purser config set ${key} ${value}`));
  }
  const catalogue = await sandbox.addCatalogue({ count: 500 });
  await purser(
    'config',
    'set',
    'net.allow_private',
    JSON.stringify([shop.hostPort, catalogue.hostPort]),
    '--passphrase-file',
    passphraseFile,
  );
  await purser('config', 'set', 'discovery.sources', JSON.stringify([catalogue.listUrl]));
  const synced = JSON.parse(await purser('catalog', 'sync', '--json')) as { listings: number };
  console.log(
    `   a catalogue of ${synced.listings} paid endpoints is fetched, to be searched on this machine`,
  );
  const { address, networks } = JSON.parse(await purser('address', '--json')) as {
    address: `0x${string}`;
    networks: { network: string; address: string }[];
  };
  const solanaAddress = networks.find(({ network }) => network === SOLANA_DEVNET)?.address ?? '';
  await chain.fund(address, 1_000_000n);
  await solana.fund(solanaAddress, 1_000_000n);
  console.log(`   ${address} holds ${usdc(await chain.balanceOf(address))} on Base Sepolia`);
  console.log(`   ${solanaAddress} holds ${usdc(await solana.balanceOf(solanaAddress))} on Solana devnet`);

  const client = new Client({ name: 'demo-agent', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [program], env, stderr: 'inherit' }),
  );
  const call = async (name: string, args: Record<string, unknown>): Promise<Result> => {
    console.log(dim(`   → ${name} ${JSON.stringify(args)}`));
    const result = await client.callTool({ name, arguments: args });
    const outcome = result.structuredContent as Result;
    console.log(`   ← ${outcome.message}`);
    return outcome;
  };
  try {
    const { tools } = await client.listTools();
    console.log(
      `   an MCP client is connected over stdio and sees ${tools.map(({ name }) => name).join(', ')}`,
    );

    title('The agent looks for what it needs, and asks what a call costs');
    const found = await call('wallet_discover', { need: 'weather of a city', max_usd: '0.02' });
    const [first] = found['results'] as {
      seller: { title: string };
      next: { tool: string; arguments: Record<string, unknown> };
    }[];
    if (first === undefined) throw new Error('The demo found nothing to buy.');
    console.log(`   first of the results: ${first.seller.title}`);
    expectEqual('what was found first', first.next.arguments['url'], `${shop.url}/v2/json`);
    const quote = await call(first.next.tool, first.next.arguments);
    expectEqual('the balance after a quote', await chain.balanceOf(address), 1_000_000n);

    title('The agent pays and gets the answer, in one step');
    const sellerBefore = await chain.balanceOf(shop.payTo);
    const paid = await call('wallet_pay', { quote_id: quote['quote_id'] });
    const { body } = paid['response'] as { body: unknown };
    const { tx, amount_atomic: amount } = paid['payment'] as { tx: string; amount_atomic: string };
    console.log(`   answer: ${JSON.stringify(body)}`);
    console.log(`   settled in ${tx}`);
    const buyer = await chain.balanceOf(address);
    const seller = (await chain.balanceOf(shop.payTo)) - sellerBefore;
    expectEqual('what the buyer paid', 1_000_000n - buyer, BigInt(amount));
    expectEqual('what the seller got', seller, BigInt(amount));
    console.log(`   on chain: buyer −${usdc(1_000_000n - buyer)}, seller +${usdc(seller)}`);

    title('A seller that takes Solana alone is paid there, under the same caps');
    const there = await call('wallet_pay', { url: `${shop.url}/v2/json?chain=solana`, max_usd: '0.02' });
    expectEqual('what moved on Solana', (await solana.balanceOf(solanaAddress)) + 10_000n, 1_000_000n);
    console.log(`   settled in ${(there['payment'] as { tx: string }).tx}`);

    title('A call above the ceiling is refused before anything is signed');
    const signedBefore = shop.payments().length;
    const refused = await call('wallet_pay', { url: `${shop.url}/v2/price/1`, max_usd: '2' });
    expectEqual('the code', refused.code, 'above_ceiling');
    expectEqual('signatures that reached the shop', shop.payments().length, signedBefore);
    expectEqual('the balance', await chain.balanceOf(address), buyer);
    console.log(
      `   signatures that reached the shop: ${shop.payments().length - signedBefore}; on chain: unchanged`,
    );

    title('The answer gets lost after the money moved; the agent retries and pays once');
    const lost = await call('wallet_pay', {
      url: `${shop.url}/v2/text?fault=drop_after_settle&times=1`,
      max_usd: '0.02',
    });
    const again = await call('wallet_pay', {
      url: `${shop.url}/v2/text?fault=drop_after_settle&times=1`,
      max_usd: '0.02',
    });
    expectEqual('money after the lost answer', lost.money, 'captured');
    expectEqual('money after the retry', again.money, 'captured');
    const total = 1_000_000n - (await chain.balanceOf(address));
    expectEqual('what both calls moved', total, 20_000n);
    console.log(`   on chain, both paid calls together: −${usdc(total)}`);

    title('Balance and ledger');
    const balance = await call('wallet_balance', {});
    for (const { name, max_usd, used_usd, left_usd } of balance['limits'] as Record<
      string,
      string | null
    >[]) {
      if (used_usd !== null)
        console.log(
          dim(`     ${String(name).padEnd(28)} $${used_usd} of $${max_usd} used, $${left_usd} left`),
        );
    }
    await call('wallet_ledger', {});
  } finally {
    await client.close();
  }
  console.log(
    (await purser('ledger'))
      .split('\n')
      .map((text) => `   ${text}`)
      .join('\n'),
  );
  const { entries } = JSON.parse(await purser('ledger', '--json')) as {
    entries: { amount_atomic: string; state: string }[];
  };
  const ledgerTotal = entries
    .filter(({ state }) => state === 'captured')
    .reduce((sum, entry) => sum + BigInt(entry.amount_atomic), 0n);
  const chainTotal = [...(await chain.payments(address)), ...solana.payments(solanaAddress)].reduce(
    (sum, { amountAtomic }) => sum + amountAtomic,
    0n,
  );
  expectEqual('the ledger’s total', ledgerTotal, chainTotal);
  console.log(
    `\n${bold('Ledger and chain agree')}: ${usdc(ledgerTotal)} captured, ${usdc(chainTotal)} transferred on both chains.`,
  );
}

const startedAt = performance.now();
const home = mkdtempSync(join(tmpdir(), 'purser-demo-'));
console.log(bold('Purser: your agent can buy any API call, and can never spend more than you said.'));
const sandbox = await startSandbox();
console.log(
  `Local chain, USDC, facilitator and shop are up (${Math.round(performance.now() - startedAt)} ms); nothing leaves this machine.`,
);
try {
  await demo(sandbox, home);
  console.log(dim(`Done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`));
} finally {
  await sandbox.stop();
  rmSync(home, { recursive: true, force: true });
}
