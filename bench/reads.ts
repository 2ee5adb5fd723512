// What an agent reads: a fixed set of tasks over stdio against the sandbox, with the calls and the characters of each.
// An agent reads the text of a result, or its structure, or both: the two are counted apart.
import { writeFileSync } from 'node:fs';
import { startSandbox } from '../sandbox/world.ts';
import { Agent, createPlace, type ToolResult } from '../test/mcp/purser.ts';

type Call = (tool: string, args: Record<string, unknown>) => Promise<ToolResult>;

const FUNDS = 20_000_000n;

const sandbox = await startSandbox();
const catalogue = await sandbox.addCatalogue({ count: 300 });
const place = createPlace();
const shop = (path: string): string => `${sandbox.shop.url}${path}`;

/** Each task as an agent goes about it; what `next` names is called. */
const TASKS: Readonly<Record<string, (call: Call) => Promise<unknown>>> = {
  'quote, then pay': async (call) => {
    const { outcome } = await call('wallet_quote', { url: shop('/v2/json?usd=0.02&id=a') });
    await call('wallet_pay', { quote_id: outcome['quote_id'] });
  },
  'pay in one step': (call) => call('wallet_pay', { url: shop('/v2/text?id=b'), max_usd: '0.05' }),
  'the same again': (call) => call('wallet_pay', { url: shop('/v2/text?id=b'), max_usd: '0.05' }),
  'a free endpoint': (call) => call('wallet_pay', { url: shop('/free/json?id=c'), max_usd: '0.05' }),
  'a 422 before any price': (call) => call('wallet_quote', { url: shop('/free/status/422') }),
  'a 404 after the payment was sent': (call) =>
    call('wallet_pay', { url: shop('/v1/status/404?id=d'), max_usd: '0.05' }),
  'a job of three looks': async (call) => {
    await call('wallet_pay', { url: shop('/v2/job/one?id=k'), max_usd: '0.05' });
    for (let look = 0; look < 3; look++) await call('wallet_quote', { url: shop('/free/job/one?looks=2') });
  },
  'a result elsewhere': (call) => call('wallet_pay', { url: shop('/v2/elsewhere?id=l'), max_usd: '0.05' }),
  'refused by the seller': (call) =>
    call('wallet_pay', { url: shop('/v1/json?fault=insufficient_funds&id=e'), max_usd: '0.05' }),
  'above max_usd': (call) => call('wallet_pay', { url: shop('/v2/price/0.40?id=f'), max_usd: '0.05' }),
  'above the ceiling': (call) => call('wallet_quote', { url: shop('/v2/price/9?id=g') }),
  'above the cap': (call) => call('wallet_quote', { url: shop('/v2/price/0.75?id=h') }),
  'a picture': (call) => call('wallet_pay', { url: shop('/v2/png?id=i'), max_usd: '0.05' }),
  'a large text, and one page more': async (call) => {
    const { outcome } = await call('wallet_pay', {
      url: shop('/v2/large?bytes=60000&id=j'),
      max_usd: '0.05',
    });
    await call('wallet_response', { id: outcome.payment?.id, offset: 2000, length: 2000 });
  },
  balance: (call) => call('wallet_balance', {}),
  'the ledger, ten rows': (call) => call('wallet_ledger', { limit: 10 }),
  'the ledger by host': (call) => call('wallet_ledger', { view: 'by_host' }),
  'one payment': async (call) => {
    const { outcome } = await call('wallet_pay', { url: shop('/v2/text?id=b'), max_usd: '0.05' });
    await call('wallet_ledger', { payment_id: outcome.payment?.id });
  },
  'find by need': (call) =>
    call('wallet_discover', { need: 'company data for a web domain', max_usd: '0.02' }),
  'find on any network': (call) =>
    call('wallet_discover', { need: 'weather forecast for a city', networks: ['any'] }),
  'find, full': (call) =>
    call('wallet_discover', { need: 'weather forecast for a city', networks: ['any'], detail: 'full' }),
};

try {
  await place.init();
  const { address } = JSON.parse(await place.run('address', '--json')) as { address: `0x${string}` };
  await sandbox.chain.fund(address, FUNDS);
  const hosts = JSON.stringify([sandbox.shop.hostPort, catalogue.hostPort]);
  const owner = ['--passphrase-file', place.passphraseFile];
  await place.run('config', 'set', 'net.allow_private', hosts, ...owner);
  await place.run('config', 'set', 'networks.eip155:84532.rpc_url', sandbox.rpcUrl, ...owner);
  await place.run('config', 'set', 'discovery.sources', '[]');
  await place.run('catalog', 'add', catalogue.listUrl);
  await place.run('catalog', 'sync', '--json');
  const agent = await Agent.connect(place.env);
  const total = { calls: 0, text: 0, structure: 0 };
  const read: string[] = [];
  for (const [task, work] of Object.entries(TASKS)) {
    const own = { calls: 0, text: 0, structure: 0 };
    await work(async (tool, args) => {
      const result = await agent.call(tool, args);
      own.calls += 1;
      own.text += result.text.length;
      own.structure += JSON.stringify(result.outcome).length;
      read.push(
        `### ${task}: ${tool} ${JSON.stringify(args)}\n${result.text}\n\n${JSON.stringify(result.outcome)}\n`,
      );
      return result;
    });
    for (const name of ['calls', 'text', 'structure'] as const) total[name] += own[name];
    console.log(
      `${task.padEnd(36)} ${own.calls} calls ${String(own.text).padStart(7)} text ${String(own.structure).padStart(7)} structure`,
    );
  }
  console.log(`${'in all'.padEnd(36)} ${total.calls} calls ${total.text} text ${total.structure} structure`);
  // The results themselves, where a file is named to read them in.
  const [, , file] = process.argv;
  if (file !== undefined) writeFileSync(file, read.join('\n'));
  await agent.close();
} finally {
  place.remove();
  await sandbox.stop();
}
