import { dirname, join } from 'node:path';
import { createConfig } from '../../src/config/configFile.js';
import { openSettings } from '../../src/owner/ownerSettings.js';
import { openActs, type ActOrder, type PreparedAct } from '../../src/owner/ownerActs.js';
import { budgetStates } from '../../src/owner/ownerBudgets.js';
import { assetsOf } from '../../src/money/asset.js';
import {
  addAgent,
  captured,
  held,
  holdRequest,
  newLedger,
  testMac,
  sent,
  T0,
} from '../../src/ledger/sqlite/fixtures.js';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { NoticeBook } from '../../src/ledger/books/notice.js';
import type { MovementBook } from '../../src/ledger/books/movement.js';
import { openMovementFile } from '../../src/ledger/sqlite/movements/movementFile.js';
import { openNoticeFile } from '../../src/ledger/sqlite/notices/noticeFile.js';
import { findNetwork, type Caip2 } from '../../src/money/network.js';
import { readStatement } from '../../src/treasury/statement/readStatement.js';
import { writeCommitmentNonce } from '../../src/payment/commitment.js';
import { COMMITMENT_OPEN } from '../../src/protocols/protocol.js';
import type { Commitment } from '../../src/owner/ownerCommitments.js';
import { readBeginning } from '../../src/wallet/answer/response.js';
import type { BalanceLine, LimitLine } from '../../src/wallet/balance.js';
import type { DeskParts } from '../../src/web/desk/desk.js';
import type { PageOptions } from '../../src/web/page.js';
import { startOwner, type Owner } from './owner.js';

/** Words of an agent that a page must show, and never run (T43). */
export const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202Egnp';

const MINUTE_MS = 60_000;

/** An owner with a desk over a real ledger of a few payments, one of each end. */
export interface DeskOwner extends Owner {
  readonly ledger: Ledger;
  /** The folder of its settings. */
  readonly home: string;
  /** What the owner's hand did. */
  readonly done: string[];
  readonly notices: NoticeBook;
  /** The same ledger as another process opens it. */
  openAgain(): Disposable & { readonly ledger: Ledger };
  /** The page of another process over the same ledger. */
  serveAgain(options?: Pick<PageOptions, 'enrolment'>): Promise<Owner>;
  /** Has so much come to the first address. */
  readonly arrive: (atomic: bigint) => void;
}

/** Starts it; other payments can take the place of those few, and a later time that of theirs. */
export async function startDeskOwner(
  fill: (ledger: Ledger) => Promise<void> = fillSome,
  atMs = T0 + 10 * MINUTE_MS,
  options: Pick<PageOptions, 'enrolment'> = {},
): Promise<DeskOwner> {
  const world = newLedger();
  const { ledger } = world;
  await fill(ledger);
  const book = openMovementFile(join(dirname(world.path), 'movements.db'));
  fillBook(book);
  const notices = openNoticeFile(join(dirname(world.path), 'notices.db'), T0);
  const home = dirname(world.path);
  const identity = { walletId: 'wal_1', keystore: 'file', testnet: true } as const;
  await createConfig(home, testMac('config'), identity);
  const done: string[] = [];
  const balances: BalanceLine[] = [
    {
      ...{ network: 'eip155:8453', label: 'Base', asset: 'USDC', address: '0x1111', permit2_allowance: null },
      ...{
        on_chain: '9.96',
        held: '0.02',
        spendable: '9.94',
        on_chain_atomic: '9960000',
        held_atomic: '20000',
      },
    },
  ];
  const onChain = { atomic: 9_960_000n };
  const deskOver = (ledger: Ledger): DeskParts => {
    const settings = openSettings({
      ...{ home, ledger, configMac: testMac('config'), now: () => atMs, remember: () => undefined },
    });
    return {
      ledger,
      config: async () => Promise.resolve(settings.config()),
      readMoney: async () => Promise.resolve(balances),
      lookForMoney: async () => Promise.resolve({ isNews: false, notes: [] }),
      readStatement: (period, say) => readStatement({ ledger, book }, PLACES, period, say),
      notices,
      settings,
      acts: openActs(
        ledger,
        () => atMs,
        async (order) => Promise.resolve(actOf(order, done)),
      ),
      limitsOf: async () => Promise.resolve(LIMITS),
      budgets: () => budgetStates(ledger, settings.config(), atMs),
      fundPlaces: async () => Promise.resolve([FUND]),
      readFunds: async () =>
        Promise.resolve([
          { ...FUND, onChainAtomic: onChain.atomic, gas: '0.002 ETH', allowedAtomic: 5_000_000n },
        ]),
      listCommitments: async () => Promise.resolve([await subscription(ledger)]),
      readAnswer: ({ id, agent }) => readBeginning({ home, ledger, agent }, id, 8_000),
      listBought: () => ledger.entitlements.list({ isLive: true }, 100),
      listAgents: () => ledger.agents.list(),
      freeze: async () => {
        done.push('freeze');
        await ledger.freeze(T0 + 10 * MINUTE_MS);
      },
      suspend: async (agent) => {
        done.push(`suspend ${agent}`);
        await ledger.agents.change(agent, { act: 'suspend' }, T0 + 10 * MINUTE_MS);
      },
    };
  };
  const owner = await startOwner({ desk: deskOver(ledger), atMs, ...options });
  return {
    ...owner,
    ledger,
    home,
    done,
    notices,
    openAgain: () => {
      const again = world.open();
      return { ledger: again, [Symbol.dispose]: () => void again.close() };
    },
    serveAgain: (again = {}) => startOwner({ desk: deskOver(world.open()), atMs, ...again }),
    arrive: (atomic) => {
      onChain.atomic += atomic;
    },
    [Symbol.asyncDispose]: async () => {
      await owner[Symbol.asyncDispose]();
      book.close();
      notices.close();
      world[Symbol.dispose]();
    },
  };
}

const { network: NETWORK, asset: ASSET, payFrom: OWN } = holdRequest();
const PLACES = [{ network: findNetwork(NETWORK as Caip2)!, addresses: [{ agent: 'default', address: OWN }] }];
const FUND = {
  agent: 'default',
  network: PLACES[0]!.network,
  asset: assetsOf(NETWORK as Caip2)[0]!,
  address: OWN,
};
const LIMITS: readonly LimitLine[] = [
  { name: 'limits.per_call_usd', kind: 'cap', max_usd: '0.50', used_usd: null, left_usd: '0.50' },
  { name: 'limits.per_day_usd', kind: 'cap', max_usd: '5.00', used_usd: '4.50', left_usd: '0.50' },
  {
    name: 'agents.research.limits.per_day_usd',
    kind: 'cap',
    max_usd: '1.00',
    used_usd: '0.25',
    left_usd: '0.75',
  },
];

/** A subscription of half a dollar in thirty days. */
async function subscription(ledger: Ledger): Promise<Commitment> {
  const { payments } = await ledger.listPayments({ agent: 'research' }, 1, null);
  const key = { accessKey: '0xacce55', witness: '0x7e57' } as const;
  const promise: Payment = {
    ...{ ...payments[0]!, protocol: 'mpp', scheme: 'commitment', state: 'unknown', note: COMMITMENT_OPEN },
    nonce: writeCommitmentNonce(key, 30 * 86_400),
  };
  return { promise, charges: payments };
}

/** An act that leaves a mark, and a secret where it is to give a token. */
function actOf({ kind, subject }: ActOrder, done: string[]): PreparedAct {
  return {
    isOwners: kind !== 'revoke_entitlement',
    pair: { action: null },
    act: { what: `${kind} ${subject}`, details: [HOSTILE] },
    run: async () => {
      done.push(`${kind} ${subject}`);
      const secret = kind === 'rotate_token' ? { secret: 'agt_research_secret' } : {};
      return Promise.resolve({ message: `Done: ${kind}.`, ...secret });
    },
  };
}

/** Two notices, one with a client's own words, each on its way by a channel. */
export async function tellSome(notices: NoticeBook): Promise<void> {
  await notices.settle(
    () => ({
      notices: [
        {
          ...{ kind: 'client', occasion: 'client x', agent: 'default', host: null, usdMicros: null },
          ...{ subject: null, facts: { client: HOSTILE } },
        },
        {
          ...{ kind: 'lost', occasion: 'lost x', agent: 'default', host: 'takes.example.com' },
          ...{ usdMicros: 10_000n, subject: 'pay_1', facts: {} },
        },
      ],
      marks: new Map(),
    }),
    () => [{ channel: 'phone', dueMs: T0, isBundled: false, isEscalation: false }],
    T0,
  );
}

/** Who sent the wallet its ten dollars. */
export const FRIEND = '0x4444444444444444444444444444444444444444';

/** Ten dollars that came in before all else, as the chain showed them. */
function fillBook(book: MovementBook): void {
  const place = { network: NETWORK, asset: ASSET, address: OWN };
  const span = { fromMs: T0 - MINUTE_MS, toMs: T0 + 60 * MINUTE_MS, fromBlock: 1n, toBlock: 100n };
  const facts = { direction: 'in', other: FRIEND, amountAtomic: 10_000_000n, isProtocol: false } as const;
  book.keep(
    { ...place, ...span, balanceAtomic: 10_000_000n, readBy: ['a', 'b'], isWhole: true, unread: [] },
    [{ ...place, ...facts, tx: '0xdeposit', block: 2n, index: 0, atMs: T0 - 30_000 }],
  );
}

/** One payment of each end. */
async function fillSome(ledger: Ledger): Promise<void> {
  await addAgent(ledger, 'research', 1);
  const at = (minutes: number) => ({ nowMs: T0 + minutes * MINUTE_MS });
  await captured(ledger, { ...at(0), reason: 'weather for the trip' }, { confirmed: true, chainMs: T0 });
  await captured(ledger, {
    ...at(1),
    agent: 'research',
    host: 'search.example.com',
    heldUsdMicros: 250_000n,
  });
  const lost = await captured(
    ledger,
    { ...at(2), host: 'takes.example.com', reason: HOSTILE },
    { confirmed: true },
  );
  const body = Buffer.from(JSON.stringify({ error: HOSTILE }));
  const answer = {
    ...{ status: 500, headers: [['content-type', 'application/json']] as const, body },
    ...{ storedId: null, bytes: body.length, truncated: false },
  };
  await ledger.saveAnswer({ ...answer, paymentId: lost.id, agent: 'default', storedMs: T0 }, 'error');
  await sent(ledger, { ...at(3), host: 'slow.example.com' });
  await held(ledger, at(4));
}
