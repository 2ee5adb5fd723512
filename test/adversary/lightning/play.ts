import { randomBytes } from 'node:crypto';
import { writeInvoice, type InvoiceTerms } from '../../../sandbox/lightning/invoice.ts';
import { readInvoice } from '../../../src/protocols/l402/invoice.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { startLightningWorld, type LightningWorld } from '../../support/lightningWorld.js';
import { GullibleAgent, isLate, Turnstile } from '../gullibleAgent.ts';
import type { LightningAttack } from './table.ts';

/** What the owner allows: one dollar and ten cents, by every limit, and a page costs half a dollar. */
const CAP_USD_MICROS = 1_100_000n;
const PAGE_SATS = 500;
const CALL_USD = '0.60';
/** A payee that holds is not waited for longer. */
const CALL_MS = 2_500;
const DAY_SEC = 86_400;
/** Past what a request may still be acted on after it was asked, and what two clocks may be apart. */
const COPIES_END_MS = 160_000;

/** Plays one row with a node, a seller and a wallet of its own; gives what it won, in sentences. */
export async function playLightning(row: LightningAttack): Promise<string[]> {
  let aheadMs = 0;
  const world = await startLightningWorld(row.way, { now: () => Date.now() + aheadMs });
  try {
    await limit(world);
    const wallet = world.open();
    misbehave(world, row);
    const agent = await GullibleAgent.connect(wallet);
    const one = agent.meet(new Turnstile(1));
    one.timeoutMs = CALL_MS;
    const kind = row.demand === undefined ? 'l402' : 'mpp';
    const page = (name: string): string => `${world.shop.url}/${kind}/${row.sats ?? PAGE_SATS}/${name}/`;
    await one.visit({ url: page('first') });
    const faults = await faultsOf(world, wallet, row);
    // Once nothing that was asked for can be asked for again, and the books say what they say.
    aheadMs = COPIES_END_MS;
    await look(wallet);
    if (row.admits === true) for (const hash of new Set(world.node.asked)) world.node.admit(hash);
    await look(wallet);
    await one.visit({ url: page('later') });
    faults.push(...(await faultsOf(world, wallet, row)));
    faults.push(...(await faultsOfTrial(world, one, row)));
    if (one.told.some(isLate)) faults.push('A call went on past its bound.');
    faults.push(...faultsOfWords(world, JSON.stringify(one.told)));
    await agent.close();
    return [...new Set(faults)];
  } finally {
    await world.close();
  }
}

async function limit(world: LightningWorld): Promise<void> {
  await world.set('limits.per_call_usd', CALL_USD);
  for (const name of ['session', 'day', 'month']) await world.set(`limits.per_${name}_usd`, '1.10');
}

/** Makes seller and node what the row says. */
function misbehave({ shop, node }: LightningWorld, row: LightningAttack): void {
  const { invoice, isOneInvoice, demand, node: behaviour } = row;
  if (behaviour !== undefined) node.otherwise = () => behaviour;
  shop.isInsatiable = row.isInsatiable === true;
  let first: string | null = null;
  shop.rewrite = (header) => {
    const shown = /lnbcrt\w+/.exec(textOf(header))?.[0] ?? '';
    first ??= shown;
    if (isOneInvoice === true) return rewritten(header, () => ({ invoice: first }));
    if (invoice !== undefined) return rewritten(header, () => ({ invoice: invoiceLike(shown, invoice) }));
    return demand === undefined ? header : rewritten(header, () => demand);
  };
}

const REQUEST = /request="([\w-]+)"/;

/** A challenge as one text, also where it is kept in base64. */
function textOf(header: string): string {
  const request = REQUEST.exec(header)?.[1];
  return request === undefined ? header : Buffer.from(request, 'base64url').toString('utf8');
}

function rewritten(
  header: string,
  change: () => { invoice?: string | null; amount?: string; paymentHash?: string },
): string {
  const { invoice, amount, paymentHash } = change();
  if (!REQUEST.test(header)) return header.replace(/invoice="\w+"/, `invoice="${invoice ?? ''}"`);
  const request = JSON.parse(textOf(header)) as { amount: string; methodDetails: Record<string, string> };
  const methodDetails = { ...request.methodDetails, ...(paymentHash === undefined ? {} : { paymentHash }) };
  const text = JSON.stringify({ ...request, ...(amount === undefined ? {} : { amount }), methodDetails });
  return header.replace(REQUEST, `request="${Buffer.from(text).toString('base64url')}"`);
}

/** An invoice that is as another one but for what is changed, signed by a key of the seller's choice. */
function invoiceLike(text: string, changed: Partial<InvoiceTerms>): string {
  const honest = readInvoice(text);
  if (typeof honest === 'string') throw new Error(`an invoice that ${honest}`);
  const { amountMsat, paymentHash } = honest;
  const createdSec = Math.floor(Date.now() / 1000);
  const privateKey = randomBytes(32).toString('hex');
  return writeInvoice({ ...{ amountMsat, paymentHash, createdSec, expirySec: 600, privateKey }, ...changed });
}

async function look(wallet: Wallet): Promise<void> {
  await reconcileAll(await wallet.engine(), AbortSignal.timeout(20_000));
}

/** By the node's own books. A millisatoshi is a micro-dollar here. */
async function faultsOf({ node }: LightningWorld, wallet: Wallet, row: LightningAttack): Promise<string[]> {
  const faults: string[] = [];
  const times = [...Map.groupBy(node.asked, (hash) => hash).values()].map(({ length }) => length);
  const most = Math.max(0, ...times);
  if (most > 1) faults.push(`One invoice was asked for ${most} times.`);
  if (row.asksNothing === true && node.asked.length > 0) faults.push('It was asked to pay.');
  if (row.asks !== undefined && node.asked.length > row.asks)
    faults.push(`It was asked ${node.asked.length} times, where ${row.asks} were due.`);
  const moved = node.spentMsat + node.inFlightMsat;
  const bound = CAP_USD_MICROS + (row.overMsat ?? 0n);
  if (moved > bound) faults.push(`${moved} left, where ${bound} was the most.`);
  const counted = await countedBy(wallet);
  if (moved > counted) faults.push(`${moved} left, and ${counted} count.`);
  return faults;
}

/** A row that nothing was tried in, or whose wallet would have paid nobody, shows nothing. */
async function faultsOfTrial(
  { shop, node }: LightningWorld,
  agent: GullibleAgent,
  { asksNothing, node: behaviour }: LightningAttack,
): Promise<string[]> {
  if (asksNothing !== true)
    return node.asked.length === 0 && behaviour?.kind !== 'deaf' ? ['It was never tried.'] : [];
  shop.rewrite = null;
  const { outcome } = await agent.pay(
    { url: `${shop.url}/l402/${PAGE_SATS}/honest/` },
    { max_usd: CALL_USD },
  );
  return outcome.code === 'paid' ? [] : [`An honest invoice is not paid: ${outcome.message}`];
}

async function countedBy(wallet: Wallet): Promise<bigint> {
  const engine = await wallet.engine();
  const scope = { kind: 'wallet' } as const;
  const line = { name: 'limits.per_day_usd', kind: 'cap', scope, windowSec: DAY_SEC } as const;
  return (await engine.ledger.usage([line], engine.now()))[0] ?? 0n;
}

/** T38: what pays, and what proves that it was paid, is told to no agent. */
function faultsOfWords({ node, connection }: LightningWorld, told: string): string[] {
  const proofs = [...node.payments.values()].flatMap(({ preimage }) => preimage ?? []);
  const { searchParams } = new URL(connection);
  const secrets = ['secret', 'macaroon'].flatMap((name) => searchParams.get(name) ?? []);
  return [...proofs, ...secrets].some((secret) => told.includes(secret)) ? ['A secret was told.'] : [];
}
