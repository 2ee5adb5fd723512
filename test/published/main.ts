import { anyCall, type TestWallet } from '../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../support/world.js';
import { PRICE_ATOMIC, PRICE_USD, SELLERS, type PublishedSeller } from './sellers.js';

// Buys once from each published server package, and asks the chain what moved. Their packages are in no lock of this
// repository, for they bring hundreds of others along: they are installed for this alone.

/** Why a seller was not bought from as it should be; null where it was, by one payment of just its price. */
async function buy(world: TestWorld, { chain, open }: PublishedSeller): Promise<string | null> {
  const { call, servers } = await open(world.sandbox);
  let mine: TestWallet | undefined;
  try {
    mine = await world.on(chain).wallet();
    await mine.set('net.allow_private', JSON.stringify(servers.map(({ hostPort }) => hostPort)));
    const wallet = mine.open();
    const { code, money, message, response } = await wallet.pay({ ...call, max_usd: PRICE_USD }, anyCall());
    if (code !== 'paid' || money !== 'captured') return `${code}: ${message}`;
    if (!JSON.stringify(response).includes('sold')) return 'It answered with something else.';
    const moved = await world.on(chain).ground.payments(mine.payAddress);
    const [payment] = moved;
    return moved.length === 1 && payment?.amountAtomic === PRICE_ATOMIC
      ? null
      : `The chain shows ${moved.map(({ amountAtomic }) => amountAtomic).join(', ')}.`;
  } finally {
    for (const server of servers) await server.close();
  }
}

const world = await startTestWorld();
let failed = 0;
try {
  for (const seller of SELLERS) {
    const why = await buy(world, seller).catch(String);
    if (why !== null) failed += 1;
    process.stdout.write(
      `${why === null ? 'sold  ' : 'FAILED'}  ${seller.name}${why === null ? '' : `: ${why}`}\n`,
    );
  }
} finally {
  await world.stop();
}
process.stdout.write(`${SELLERS.length - failed} of ${SELLERS.length} sold, each for $${PRICE_USD}.\n`);
// Some of them keep connections and timers of their own.
process.exit(failed === 0 ? 0 : 1);
