import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { createBuyer } from '../sandbox/buyer.ts';
import type { Sandbox } from '../sandbox/world.ts';
import type { Wallet } from '../src/wallet/wallet.js';
import type { TestWallet } from '../test/support/testWallet.js';
import type { ChainName } from '../test/support/world.js';
import { sampleOf, timed, type Sample } from './percentile.js';

const WARM_UP = 15;
const ROUNDS = 120;
const PRICE_USD = '0.001';

export interface PaidCalls {
  readonly bare: Sample;
  readonly wallet: Sample;
  readonly stdio: Sample;
  readonly quoted: Sample;
}

/**
 * The same paid call by the bare published client and by the wallet, in turn, so that whatever else the machine does
 * falls on all alike. Every call has a URL of its own: the wallet would answer a repeated one from its ledger.
 */
export async function benchPaidCalls(
  sandbox: Sandbox,
  test: TestWallet,
  chain: ChainName,
): Promise<PaidCalls> {
  const buyer = await createBuyer(sandbox, '50', chain);
  const wallet = test.open();
  const { client, close } = await connect(test);
  const durations = {
    bare: [] as number[],
    wallet: [] as number[],
    stdio: [] as number[],
    quoted: [] as number[],
  };
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    const url = (who: string): string =>
      `${sandbox.shop.url}/v2/price/${PRICE_USD}?chain=${chain}&${who}=${i}`;
    const bare = await timed(async () => mustBeOk(await (await buyer.pay(url('bare'))).text()));
    const own = await timed(async () => mustBePaid(await payWith(wallet, url('wallet'))));
    const stdio = await timed(async () =>
      mustBePaid(
        resultOf(
          await client.callTool({ name: 'wallet_pay', arguments: { url: url('stdio'), max_usd: PRICE_USD } }),
        ),
      ),
    );
    const quote = await wallet.quote({ url: url('quoted') }, context());
    const quoted = await timed(async () =>
      mustBePaid(await wallet.pay({ quote_id: quote['quote_id'] }, context())),
    );
    if (i < WARM_UP) continue;
    durations.bare.push(bare);
    durations.wallet.push(own);
    durations.stdio.push(stdio);
    durations.quoted.push(quoted);
  }
  await close();
  return {
    bare: sampleOf(durations.bare),
    wallet: sampleOf(durations.wallet),
    stdio: sampleOf(durations.stdio),
    quoted: sampleOf(durations.quoted),
  };
}

async function connect(test: TestWallet) {
  const client = new Client({ name: 'bench', version: '0' });
  const env = {
    ...process.env,
    PURSER_HOME: test.home,
    PURSER_PASSPHRASE_FILE: test.passphraseFile,
  } as Record<string, string>;
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: ['bin/purser.js'], env, stderr: 'ignore' }),
  );
  return { client, close: () => client.close() };
}

function context(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

function payWith(wallet: Wallet, url: string) {
  return wallet.pay({ url, max_usd: PRICE_USD }, context());
}

function resultOf(result: { structuredContent?: unknown }): { code?: unknown } {
  return (result.structuredContent ?? {}) as { code?: unknown };
}

function mustBePaid({ code, message }: { code?: unknown; message?: unknown }): void {
  if (code !== 'paid')
    throw new Error(`A call of the bench was not paid: ${String(code)} ${String(message)}`);
}

function mustBeOk(text: string): void {
  if (text === '') throw new Error('The bare client got no answer.');
}
