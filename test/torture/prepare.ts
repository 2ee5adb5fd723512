import type { Shop } from '../../sandbox/shop/shop.ts';
import { DEFAULT_AGENT } from '../../src/money/agent.js';
import { formatUsd } from '../../src/money/decimal.js';
import { connectLightning } from '../../src/owner/ownerLightning.js';
import { addAgent } from '../../src/owner/ownerAgents.js';
import { setAllowance } from '../../src/treasury/allowance.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { ownerOf } from '../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import type { TestWorld } from '../support/world.js';
import type { Disk } from './disk.js';
import { PLACES } from './exposure.js';
import { groundsOf, openPurses, type Purse } from './purse.js';
import type { Sellers } from './sellers/sellers.js';

/** The wallet's agents, each with an address of its own. */
export const ACCOUNTS = ['default', 'ada', 'bob'] as const;
/** The cap begins here. */
export const CAP_FIRST = 500_000n;
const FUNDS_ATOMIC = 2_000_000_000n;
/** Dollars for one bitcoin: a satoshi is a thousandth of a dollar, and a millisatoshi a micro-dollar. */
const BTC_USD = '100000.00';
/** The most that Permit2 is ever allowed: more than a torture spends by it. */
const ALLOWED_USD_MICROS = 100_000_000n;
const GAS_WEI = 10n ** 18n;

/** Makes the wallet that is tortured, with money for each of its agents in every place. */
export async function prepareWallet(
  world: TestWorld,
  { shops, sellers, disk }: { readonly shops: readonly Shop[]; sellers: Sellers; disk: Disk | null },
): Promise<{ mine: TestWallet; purses: readonly Purse[] }> {
  const { sandbox, tempo } = world;
  const hosts = [sandbox.shop, sandbox.facilitator, ...shops, ...sellers.fronts].map(
    ({ hostPort }) => hostPort,
  );
  const grounds = groundsOf(world, sellers.lightning);
  const networks = PLACES.map((place) => grounds[place].caip2);
  const onChains = PLACES.filter((place) => place !== 'lightning').map((place) => grounds[place].caip2);
  const mine = await world.on('base').wallet({
    usdMicros: FUNDS_ATOMIC,
    chain: 'base',
    settings: {
      'networks.enabled': JSON.stringify(networks),
      ...Object.fromEntries(onChains.map((caip2) => [`networks.${caip2}.rpc_url`, 'none'])),
      'ceilings.per_day_usd': '2000',
      'ceilings.per_month_usd': '2000',
      'ceilings.per_session_usd': '2000',
      'limits.per_month_usd': '2000',
      'limits.per_session_usd': '2000',
      'limits.per_day_usd': formatUsd(CAP_FIRST),
      'net.allow_private': JSON.stringify(hosts),
      'rates.source': BTC_USD,
    },
    ...(disk === null ? {} : { folder: disk.path }),
  });
  const owner = { ...ownerOf(mine.home, TEST_PASSPHRASE), now: world.now };
  // As the owner does it: the config remembers whose keys are whose, for when the ledger is lost.
  for (const name of ACCOUNTS.slice(1)) await addAgent(owner, name, async () => Promise.resolve());
  await connectLightning(owner, sellers.lightning.connection, {});
  const wallet = mine.open();
  const funded = { fundedAtomic: FUNDS_ATOMIC, lightning: sellers.lightning };
  const purses = await openPurses(grounds, wallet, ACCOUNTS, funded);
  for (const { chain, agent, address } of purses) {
    if (chain === 'solana') await sandbox.solana.fund(address, FUNDS_ATOMIC);
    if (chain === 'tempo') await tempo?.chain.fund(address as `0x${string}`, FUNDS_ATOMIC);
    if (chain !== 'base') continue;
    if (agent !== DEFAULT_AGENT) await sandbox.chain.fund(address as `0x${string}`, FUNDS_ATOMIC);
    await sandbox.chain.giveGas(address as `0x${string}`, GAS_WEI);
    await allowPermit2(wallet, agent);
  }
  await wallet.close();
  return { mine, purses };
}

/** As the owner does it: without this, nothing is sold through Permit2 but what brings a permit along. */
async function allowPermit2(wallet: Wallet, agent: string): Promise<void> {
  const engine = await wallet.forAgent(agent).engine();
  const order = { usdMicros: ALLOWED_USD_MICROS, network: undefined, asset: undefined };
  await setAllowance(engine, order, () => Promise.resolve(true), anyCall().signal);
}
