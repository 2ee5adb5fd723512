import { createBuyer } from '../sandbox/buyer.ts';
import { startProxyWorld } from '../test/proxy/fixture.js';
import { line, sampleOf } from './percentile.js';

const WARM_UP = 10;
const ROUNDS = 80;

/** How long one streamed answer took. */
interface Timed {
  /** Until its first bytes are there, ms. */
  readonly firstByteMs: number;
  readonly wholeMs: number;
}

async function measure(ask: () => Promise<Response>): Promise<Timed> {
  const begunMs = performance.now();
  const response = await ask();
  if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  const reader = response.body!.getReader();
  await reader.read();
  const firstByteMs = performance.now() - begunMs;
  while (!(await reader.read()).done);
  return { firstByteMs, wholeMs: performance.now() - begunMs };
}

let asked = 0;

/** A streamed completion that nothing else asks for: a repeated one would come from the ledger. */
function chat(): RequestInit {
  const messages = [{ role: 'user', content: `question ${++asked}` }];
  const body = JSON.stringify({ model: 'small-model', stream: true, messages });
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body };
}

const here = await startProxyWorld();
try {
  const { gateway, base, world } = here;
  const buyer = await createBuyer(world.sandbox, '10');
  const ways: Readonly<Record<string, () => Promise<Response>>> = {
    'free, direct': () => fetch(`${gateway.url}/v1/models`),
    'free, by the proxy': () => fetch(`${base}/models`),
    'paid, by the bare client': () => buyer.pay(`${gateway.url}/v1/chat/completions`, chat()),
    'paid, by the proxy': () => fetch(`${base}/chat/completions`, chat()),
  };
  const timed = new Map(Object.keys(ways).map((name): [string, Timed[]] => [name, []]));
  // In turn, so that whatever else the machine does falls on all alike.
  for (let i = 0; i < WARM_UP + ROUNDS; i += 1)
    for (const [name, ask] of Object.entries(ways)) {
      const one = await measure(ask);
      if (i >= WARM_UP) timed.get(name)?.push(one);
    }
  console.log(
    `Node ${process.version}, ${process.platform}; ms; each figure p50, p95 and the number of runs\n`,
  );
  for (const [name, runs] of timed) {
    console.log(line(`${name}: first byte`, sampleOf(runs.map(({ firstByteMs }) => firstByteMs))));
    console.log(line(`${name}: whole`, sampleOf(runs.map(({ wholeMs }) => wholeMs))));
  }
  const p50 = (name: string): number => sampleOf((timed.get(name) ?? []).map((one) => one.firstByteMs)).p50;
  const ratio = p50('paid, by the proxy') / p50('paid, by the bare client');
  console.log(`  first byte, by the proxy / by the bare client, p50: ${ratio.toFixed(2)}`);
} finally {
  await here.stop();
}
