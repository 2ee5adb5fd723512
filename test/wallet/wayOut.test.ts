import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NETWORKS } from '../../src/money/network.js';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import type { SettlementVerdict } from '../../src/wallet/settle/settlement.js';
import { reconcileAll, reconcileAttempt } from '../../src/wallet/settle/reconcile.js';
import { wayOut, type OpenReason } from '../../src/wallet/settle/wayOut.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { nameOperators } from '../support/operators.js';
import { paymentsIn } from '../support/books.js';
import { anyCall } from '../support/testWallet.js';
import { callOf, startTestWorld, type ChainName, type TestWorld } from '../support/world.js';

/** Past the expiry of all that is signed, and past what an operator's own count of blocks on Solana takes. */
const PAST_ALL_SEC = 200;
/** More than one look reads. */
const DUST = 10_001;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

type Rpc = Awaited<ReturnType<TestWorld['sandbox']['addRpc']>>;

/** How each reason comes about, with a payment that settled or never will, and where its way out leads. */
interface Case {
  readonly chain?: ChainName;
  /** Whether the payment settles; its answer is lost either way. */
  readonly settles: boolean;
  /** Operators of the wallet's network, where the owner named none. */
  readonly operators?: 1 | 2;
  /** Brings it about, with the wallet's RPCs. */
  readonly befall: (rpcs: readonly Rpc[], mine: { readonly solanaAddress: string }) => Promise<void>;
  /** Gives up the look at once. */
  readonly interrupted?: true;
  readonly ends: 'captured' | 'released';
}

const past = (): Promise<void> => world.advance(PAST_ALL_SEC);

// Those of Lightning stand in test/rails/lightning.
const CASES: Record<
  Exclude<OpenReason, 'network_unknown' | 'in_flight' | 'other_wallet' | 'no_proof'>,
  Case
> = {
  rpc_down: { settles: true, befall: ([rpc]) => rpc!.setFault({ kind: 'down' }), ends: 'captured' },
  rpc_disagree: {
    settles: true,
    operators: 2,
    befall: async ([rpc]) => {
      await past();
      await rpc!.setFault({ kind: 'lying', used: false });
    },
    ends: 'captured',
  },
  rpc_missing: { settles: false, operators: 1, befall: past, ends: 'released' },
  overdue: {
    settles: false,
    befall: async ([rpc]) => {
      await rpc!.setFault({ kind: 'stuck' });
      await world.advance(2 * 3_600);
    },
    ends: 'released',
  },
  searching: {
    chain: 'solana',
    settles: true,
    befall: async (_rpcs, { solanaAddress }) => {
      await past();
      await world.sandbox.solana.dust(solanaAddress, DUST);
    },
    ends: 'captured',
  },
  used_without_transfer: {
    settles: true,
    befall: ([rpc]) => rpc!.setFault({ kind: 'lying', hides: 'events' }),
    ends: 'captured',
  },
  history_unavailable: {
    settles: true,
    befall: async ([rpc]) => {
      await world.sandbox.chain.mine(40);
      await rpc!.setFault({
        kind: 'pruned',
        before: Number(await world.sandbox.chain.client.getBlockNumber()) - 2,
      });
    },
    ends: 'captured',
  },
  interrupted: { settles: true, befall: async () => Promise.resolve(), interrupted: true, ends: 'captured' },
};

async function openPayment(place: TestWorld, wallet: Wallet, settles: boolean): Promise<void> {
  const fault = { leg: 'paid', settle: settles ? 'later' : 'no', answer: 'error', receipt: 'none' } as const;
  place.sandbox.shop.setFault('/v2/json', fault, { times: 1 });
  expect(await wallet.pay(callOf(place.url('/v2/json')), anyCall())).toMatchObject({ money: 'unknown' });
  if (settles) await place.sandbox.shop.releasePending();
}

const look = async (wallet: Wallet): Promise<SettlementVerdict> => {
  const [verdict] = await reconcileAll(await wallet.engine(), new AbortController().signal);
  return verdict!;
};

/** A look that its caller gives up at once. */
async function lookShortly(wallet: Wallet): Promise<SettlementVerdict> {
  const engine = await wallet.engine();
  const [payment] = await paymentsIn(engine);
  return reconcileAttempt(engine, payment!, AbortSignal.abort());
}

describe('a payment that stays open', () => {
  test.each(Object.entries(CASES))('for %s ends by what its owner is told to do', async (reason, one) => {
    const chain = one.chain ?? 'base';
    const place = world.on(chain);
    const { caip2 } = place.ground;
    const rpcs = [await world.sandbox.addRpc(chain), await world.sandbox.addRpc(chain)].slice(
      0,
      one.operators ?? 1,
    );
    const honest = await world.sandbox.addRpc(chain);
    const urls = rpcs.map(({ url }) => url);
    const named = NETWORKS.find((network) => network.caip2 === caip2)!.rpcUrls;
    if (one.operators !== undefined) nameOperators({ [caip2]: urls });
    try {
      const rpcUrl = one.operators === undefined ? urls[0]! : 'none';
      const mine = await place.wallet({ settings: { [`networks.${caip2}.rpc_url`]: rpcUrl } });
      const wallet = mine.open();
      await openPayment(place, wallet, one.settles);
      await one.befall(rpcs, mine);
      const stuck = await (one.interrupted ? lookShortly : look)(wallet);
      expect(stuck).toMatchObject({ verdict: 'waits', openReason: reason });
      const { owner } = stuck;
      const action = owner?.action;
      // A long search goes on by itself, and has an RPC of the owner's as a further way out.
      if (reason === 'searching')
        expect(await look(wallet)).toMatchObject({ attempt: { state: 'captured' } });
      else if (action?.kind === 'chooseSetting') await mine.set(action.key, honest.url);
      else expect(action).toEqual({ kind: 'reconcile' });
      // It names a time where there is one to wait for.
      if (/expiry, at about/.test(owner?.say ?? '')) await past();
      await look(wallet);
      expect((await paymentsIn(await wallet.engine())).map(({ state }) => state)).toEqual([one.ends]);
    } finally {
      nameOperators({ [caip2]: named });
    }
  });

  test('on a network that this version does not know, is one for the newest version', () => {
    const payment = { network: 'eip155:999999', validBeforeSec: 1 } as Payment;
    expect(wayOut('network_unknown', payment, 0)).toMatchObject({ action: { kind: 'takeNewest' } });
  });
});
