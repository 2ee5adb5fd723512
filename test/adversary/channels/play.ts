import type { ChannelShop } from '../../../sandbox/channel/shop.ts';
import { keptOf } from '../../../src/wallet/entitlement/deposit.js';
import { closeDeposit, type DepositClosing } from '../../../src/wallet/settle/depositClose.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import type { TestWorld } from '../../support/world.js';
import type { ChannelAttack, ChannelStep } from './table.ts';

const CALL_MS = 60_000;
const DAY_SEC = 86_400;
/** What the owner lets one seller have in deposits. */
const DEPOSITS_ATOMIC = 1_000_000n;

/** Where the attacks are played. */
export interface ChannelStage {
  readonly world: TestWorld;
  readonly shop: ChannelShop;
  readonly mine: TestWallet;
  readonly wallet: Wallet;
}

let plays = 0;

/** Plays one attack against a wallet of its own, and gives what it won, in sentences. The chain is the judge. */
export async function playChannel(
  stage: ChannelStage,
  { visits, takesAtomic }: ChannelAttack,
): Promise<string[]> {
  const { shop, mine, wallet, world } = stage;
  const faults: string[] = [];
  const from = shop.orders.entries.length;
  const page = `${shop.url}/lies${plays++}`;
  for (const [n, { query, signsNothing, then = [] }] of visits.entries()) {
    const signed = signaturesIn(mine.home);
    const told = await wallet.pay({ url: `${page}?n=${n}${query}`, max_usd: '1' }, anyCall());
    const isSigned = signaturesIn(mine.home) !== signed;
    if (isSigned === (signsNothing === true))
      faults.push(`Call ${n} was ${isSigned ? '' : 'not '}signed: ${String(told['message'])}`);
    for (const step of then) faults.push(...(await faultsOfStep(stage, step, from)));
    faults.push(...(await faultsOfHeld(stage)));
  }
  const closing = await closeAll(stage);
  if (closing?.kind !== 'closed') faults.push(`The deposit is not closed: ${JSON.stringify(closing)}.`);
  const lost = mine.fundedAtomic - (await world.ground.balanceOf(mine.address));
  if (lost !== takesAtomic) faults.push(`The seller has ${lost}, and was to have ${takesAtomic}.`);
  const rows = await paymentsIn(await wallet.engine());
  for (const scheme of ['channel', 'batch-settlement']) {
    const captured = rows.reduce(
      (sum, one) => (one.scheme === scheme ? sum + (one.capturedAtomic ?? 0n) : sum),
      0n,
    );
    if (captured !== takesAtomic) faults.push(`The ledger has ${captured} captured of ${scheme}.`);
  }
  if ((await countedIn(stage)) !== takesAtomic) faults.push('Limits count other than what was taken.');
  for (const { says } of (await (await wallet.engine()).ledger.audit()).findings) faults.push(says);
  return faults;
}

async function faultsOfStep({ shop }: ChannelStage, step: ChannelStep, from: number): Promise<string[]> {
  const vouchers = shop.orders.entries.slice(from).map(({ payload }) => payload.voucher);
  const [first, last] = [vouchers[0], vouchers.at(-1)];
  if (first === undefined || last === undefined) return ['There is no voucher.'];
  if (step.kind === 'give_back') {
    await shop.giveBack(last.channelId);
    return [];
  }
  const voucher = step.voucher === 'first' ? first : last;
  const taken = await shop.take(voucher, BigInt(voucher.maxClaimableAmount) + step.moreAtomic);
  return taken === step.isTaken
    ? []
    : [`The chain ${taken ? 'took' : 'did not take'} ${JSON.stringify(step.voucher)}.`];
}

/** What must be so at every moment: what left for channels counts, and is within what one seller may have. */
async function faultsOfHeld(stage: ChannelStage): Promise<string[]> {
  const { world, mine } = stage;
  const left = mine.fundedAtomic - (await world.ground.balanceOf(mine.address));
  const faults = left > DEPOSITS_ATOMIC ? [`${left} left for channels.`] : [];
  if ((await countedIn(stage)) < left) faults.push('What lies in channels does not count whole.');
  return faults;
}

async function countedIn({ wallet, world }: ChannelStage): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: DAY_SEC } as const;
  const [counted] = await ledger.usage([line as never], world.now());
  return counted ?? 0n;
}

/** Closes the one deposit there is; one that the chain ended before is looked up. */
async function closeAll({ wallet }: ChannelStage): Promise<DepositClosing | undefined> {
  const engine = await wallet.engine();
  const signal = AbortSignal.timeout(CALL_MS);
  const [deposit] = await engine.ledger.entitlements.list({ isLive: true }, 10);
  if (deposit !== undefined)
    return closeDeposit(engine, await engine.config(), deposit, { onChain: true, signal });
  const [ended] = await engine.ledger.entitlements.list({}, 10);
  const made = await engine.ledger.findPayment(ended?.paymentId ?? '');
  return ended === undefined || made === null || keptOf(ended).settled_atomic === undefined
    ? undefined
    : { kind: 'closed', deposit: ended, made };
}
