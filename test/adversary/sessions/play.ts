import type { TempoChannels } from '../../../sandbox/tempo/channels.ts';
import type { SessionShop } from '../../../sandbox/tempo/sessionShop.ts';
import { keptOf } from '../../../src/wallet/entitlement/deposit.js';
import { closeDeposit, type DepositClosing } from '../../../src/wallet/settle/depositClose.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import type { TestWorld } from '../../support/world.js';
import type { SessionAttack, Voucher } from './table.ts';

/** What the owner lets one seller have in deposits. */
const DEPOSITS_ATOMIC = 1_000_000n;
const CALL_MS = 20_000;
const DAY_SEC = 86_400;

/** Where the attacks are played. */
export interface SessionStage {
  readonly world: TestWorld;
  readonly channels: TempoChannels;
  readonly shop: SessionShop;
  readonly mine: TestWallet;
  readonly wallet: Wallet;
  /** What the wallet began with, atomic. */
  readonly startAtomic: bigint;
}

let plays = 0;

/** Plays one attack against a wallet of its own, and gives what it won, in sentences. The chain is the judge. */
export async function playSession(stage: SessionStage, row: SessionAttack): Promise<string[]> {
  const { channels, shop, mine, wallet, world, startAtomic } = stage;
  const faults: string[] = [];
  const before = shop.orders.entries.length;
  const feesBefore = await feesOf(stage);
  const page = `${shop.url}/lies${plays++}`;
  const vouchers = (): (Voucher & { readonly channelId: `0x${string}` })[] =>
    shop.orders.entries.slice(before).flatMap(({ path, payload }) => {
      const { descriptor, signature, cumulativeAmount, action } = payload ?? {};
      if (!page.endsWith(path) || descriptor === undefined || signature === undefined) return [];
      if (action !== 'open' && action !== 'voucher') return [];
      const channelId = (payload?.channelId ?? '0x') as `0x${string}`;
      return [{ descriptor, signature, channelId, cumulativeAtomic: BigInt(cumulativeAmount ?? 0) }];
    });
  for (const [n, { query, signsNothing }] of row.visits.entries()) {
    const signed = signaturesIn(mine.home);
    const told = await wallet.pay({ url: `${page}?n=${n}${query}`, max_usd: '1' }, anyCall());
    if (signsNothing === true && signaturesIn(mine.home) !== signed)
      faults.push(`Call ${n} was signed: ${String(told['message'])}`);
    if (signsNothing !== true && signaturesIn(mine.home) === signed)
      faults.push(`Call ${n} was not paid: ${String(told['message'])}`);
    faults.push(...(await faultsOfHeld(stage)));
  }
  for (const [n, { call, isTaken }] of (row.onChain ?? []).entries())
    if ((await channels.asPayee(shop.payTo, call(vouchers()))) !== isTaken)
      faults.push(`The chain ${isTaken ? 'did not take' : 'took'} step ${n}.`);
  faults.push(...(await faultsOfHeld(stage)));

  const closing = await closeAll(stage);
  if (row.closes === 'by the chain') {
    // Its quarter of an hour is asked for; that it ends is told by a test whose clock goes on.
    const states = await Promise.all(vouchers().map(({ channelId }) => channels.state(channelId)));
    if (closing?.kind !== 'waits' || states.some(({ closeRequestedAt }) => closeRequestedAt === 0))
      faults.push(`A seller that closes nothing is not passed over: ${closing?.kind}.`);
    return [...faults, ...(await faultsOfHeld(stage))];
  }
  if (closing?.kind !== 'closed') faults.push(`The deposit is not closed: ${JSON.stringify(closing)}.`);
  // No seller here has the wallet pay a fee: what it paid is the owner's closing.
  const lost =
    startAtomic - (await world.ground.balanceOf(mine.address)) - ((await feesOf(stage)) - feesBefore);
  if (lost !== row.takesAtomic) faults.push(`The seller has ${lost}, and was to have ${row.takesAtomic}.`);
  const engine = await wallet.engine();
  const rows = await paymentsIn(engine);
  const captured = rows
    .filter(({ scheme }) => scheme === 'channel')
    .reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
  if (captured !== row.takesAtomic) faults.push(`The ledger has ${captured} of its deposits captured.`);
  const shares = rows
    .filter(({ scheme }) => scheme === 'session')
    .reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
  if (shares !== row.takesAtomic) faults.push(`The ledger has ${shares} for its calls.`);
  if ((await countedIn(stage)) !== row.takesAtomic) faults.push('Limits count other than what was taken.');
  for (const { says } of (await engine.ledger.audit()).findings) faults.push(says);
  return faults;
}

/** What must be so at every moment: what lies in channels counts, and is within what one seller may have. */
async function faultsOfHeld(stage: SessionStage): Promise<string[]> {
  const engine = await stage.wallet.engine();
  const deposits = await Promise.all(
    (await paymentsIn(engine))
      .filter(({ scheme }) => scheme === 'channel')
      .map(({ nonce }) => stage.channels.state(nonce as `0x${string}`)),
  );
  const there = deposits.reduce((sum, { deposit }) => sum + deposit, 0n);
  const faults = there > DEPOSITS_ATOMIC ? [`${there} lie in channels.`] : [];
  if ((await countedIn(stage)) < there) faults.push('What lies in channels does not count whole.');
  return faults;
}

async function feesOf({ world, mine }: SessionStage): Promise<bigint> {
  return (await world.tempo?.chain.fees(mine.address as `0x${string}`)) ?? 0n;
}

async function countedIn({ wallet, world }: SessionStage): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: DAY_SEC } as const;
  const [counted] = await ledger.usage([line as never], world.now());
  return counted ?? 0n;
}

async function closeAll({ wallet }: SessionStage): Promise<DepositClosing | undefined> {
  const engine = await wallet.engine();
  const config = await engine.config();
  const signal = AbortSignal.timeout(CALL_MS);
  const [deposit] = await engine.ledger.entitlements.list({ isLive: true }, 10);
  if (deposit !== undefined) return closeDeposit(engine, config, deposit, { onChain: true, signal });
  const [ended] = await engine.ledger.entitlements.list({}, 10);
  const made = await engine.ledger.findPayment(ended?.paymentId ?? '');
  return ended === undefined || made === null || keptOf(ended).settled_atomic === undefined
    ? undefined
    : { kind: 'closed', deposit: ended, made };
}
