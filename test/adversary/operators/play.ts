import type { RpcProxy } from '../../../sandbox/rpcProxy.ts';
import type { AnyAttempt } from '../../../src/ledger/attempts/withdrawal.js';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import type { Engine, WalletOptions } from '../../../src/wallet/engine.js';
import { reconcileAll, reconcileDue } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { attemptsIn } from '../../support/books.js';
import { nameOperators } from '../../support/operators.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { callOf, type TestWorld } from '../../support/world.js';
import type { Mend, OperatorAttack } from './table.ts';

/** What the owner allows: two cents, by every limit, and each call costs one. */
const CAP_ATOMIC = 20_000n;
const CAPS = {
  'limits.per_session_usd': '0.02',
  'limits.per_day_usd': '0.02',
  'limits.per_month_usd': '0.02',
};
const SIGNATURES_MAX = 2;
/** How often the agent tries to buy, before and after the end of what it first signed. */
const TRIES = 4;
const TRIES_AFTER = 2;
/** Seconds between two tries: all of them are over before what was signed first expires on either chain. */
const STEP_SEC = 10;
/** Longer than anything signed lives, and than an operator's own count of blocks takes. */
const PAST_ALL_SEC = 180;
/** When a released payment is looked at for the first time again, and a little. */
const WATCH_SEC = 610;
/** Looks within which everything ends once operators are honest; a long history takes more than one. */
const LOOKS_MAX = 6;

const LOST = { leg: 'paid', settle: 'later', answer: 'error', receipt: 'none' } as const;

/** Plays one row in a world of its own wallet and operators; gives what it won, in sentences. */
export async function playOperators(world: TestWorld, row: OperatorAttack): Promise<string[]> {
  const place = world.on(row.chain);
  const { caip2 } = place.ground;
  const proxies = await Promise.all(row.operators.map(() => world.sandbox.addRpc(row.chain)));
  try {
    nameOperators({ [caip2]: proxies.map(({ url }) => url) });
    const mine = await place.wallet({ settings: CAPS });
    const [only] = proxies;
    const isOwners = proxies.length === 1 && only !== undefined;
    await mine.set(`networks.${caip2}.rpc_url`, isOwners ? only.url : 'none');
    return await play({ world, place, mine, proxies, ...clockOf(world, row) }, row);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
  }
}

interface Stage {
  readonly world: TestWorld;
  readonly place: TestWorld;
  readonly mine: TestWallet;
  readonly proxies: readonly RpcProxy[];
  /** What the wallets that agents use are opened with; their clock is right until the row sets it wrong. */
  readonly parts: Pick<WalletOptions, 'now' | 'observer'>;
  readonly setClockRight: () => void;
}

/** The clock of a row. */
function clockOf(world: TestWorld, { clock }: OperatorAttack): Pick<Stage, 'parts' | 'setClockRight'> {
  let isSet = clock?.from === 'start';
  let isRight = false;
  return {
    parts: {
      now: () => world.now() + (isSet && !isRight ? (clock?.aheadSec ?? 0) * 1000 : 0),
      observer: { afterCommit: (point) => void (isSet ||= point === clock?.from) },
    },
    setClockRight: () => void (isRight = true),
  };
}

async function play(stage: Stage, row: OperatorAttack): Promise<string[]> {
  const { place, mine, proxies, world, parts } = stage;
  const { forced, clock } = row;
  const wallet = mine.open(parts);
  const engine = await wallet.engine();
  const { seq } = await engine.ledger.head();
  const signedBefore = signaturesIn(world).size;
  // What operators are asked for before a signature is honest, but for the time: the attack is on what becomes of it.
  const misbehavesAt = clock === undefined ? 1 : 0;
  for (let i = 0; i < TRIES; i++) {
    if (i === misbehavesAt) await misbehave(stage, row);
    await buy(world, wallet);
    await place.advance(STEP_SEC);
  }
  const isQuiet = clock?.from !== 'start' || row.signatures !== 0 || (await engine.ledger.head()).seq === seq;
  if (forced !== undefined) await release(engine, forced.note, world.now());
  await world.sandbox.shop.releasePending();
  await place.advance(PAST_ALL_SEC);
  await (forced === undefined ? look(wallet) : MENDS[forced.mend](stage, wallet));
  for (let i = 0; i < TRIES_AFTER; i++) await buy(world, mine.open(parts));
  // Whatever reached the seller is cashed: its judge is the chain.
  await world.sandbox.shop.releasePending();

  const faults: string[] = [];
  const signatures = signaturesIn(world).size - signedBefore;
  const { signatures: due } = row;
  if (!isQuiet) faults.push('Something was written down under a clock that is wrong.');
  if (due !== undefined && signatures !== due) faults.push(`${signatures} signatures came, ${due} were due.`);
  if (due === undefined && signatures === 0) faults.push('It was never tried.');
  if (signatures > SIGNATURES_MAX) faults.push(`${signatures} signatures came, ${SIGNATURES_MAX} were due.`);
  stage.setClockRight();
  if (clock !== undefined && (due ?? SIGNATURES_MAX) < SIGNATURES_MAX)
    faults.push(...(await paysAgain(stage, wallet)));
  const taken = mine.fundedAtomic - (await place.ground.balanceOf(mine.payAddress));
  if (taken > CAP_ATOMIC) faults.push(`${taken} were taken, where ${CAP_ATOMIC} was the most.`);
  for (const proxy of proxies) await proxy.setFault(null);
  return [...faults, ...(await endFaults(stage, mine.open()))];
}

/** Once the clock is right the same wallet pays again, in the process that met the wrong one. */
async function paysAgain({ world }: Stage, wallet: Wallet): Promise<string[]> {
  // At another path: what the seller was to do to the refused calls still waits at theirs.
  const { code, message } = await wallet.pay(callOf(world.url('/v2/text')), anyCall());
  return code === 'paid' ? [] : [`With a right clock it does not pay: ${message}`];
}

/** Everything ends, as the chain has it, once the operators are honest. */
async function endFaults({ place, mine }: Stage, wallet: Wallet): Promise<string[]> {
  const engine = await wallet.engine();
  let rows: AnyAttempt[] = [];
  for (let i = 0; i < LOOKS_MAX; i++) {
    await place.advance(PAST_ALL_SEC);
    await look(wallet);
    rows = await attemptsIn(engine);
    if (rows.every(isEnded)) break;
  }
  const open = rows.filter((row) => !isEnded(row));
  const landed = await place.ground.payments(mine.payAddress);
  const captured = rows.filter(({ state }) => state === 'captured');
  const faults = open.map(({ id, state, note }) => `${id} has no end: ${state} (${note ?? 'no note'}).`);
  if (captured.length !== landed.length)
    faults.push(`${captured.length} payments count as made, and the chain has ${landed.length}.`);
  return faults;
}

function isEnded({ state, confirmed }: AnyAttempt): boolean {
  return state === 'released' || (state === 'captured' && confirmed);
}

function signaturesIn({ sandbox }: TestWorld): Set<string> {
  return new Set(sandbox.shop.requests.entries.flatMap(({ payment }) => payment?.nonce ?? []));
}

async function buy(world: TestWorld, wallet: Wallet): Promise<void> {
  world.sandbox.shop.setFault('/v2/json', LOST, { times: 1 });
  await wallet.pay(callOf(world.url('/v2/json')), anyCall());
}

async function look(wallet: Wallet): Promise<void> {
  await reconcileAll(await wallet.engine(), new AbortController().signal);
}

async function misbehave({ place, mine, proxies, world }: Stage, row: OperatorAttack): Promise<void> {
  for (const [i, proxy] of proxies.entries()) await proxy.setFault(row.operators[i] ?? []);
  if (row.dust !== undefined && place.ground.caip2.startsWith('solana'))
    await world.sandbox.solana.dust(mine.payAddress, row.dust);
}

async function release(
  engine: Engine,
  note: 'expired_unused' | 'receipt_false',
  nowMs: number,
): Promise<void> {
  for (const { id, state, heldAtomic, heldUsdMicros } of await attemptsIn(engine)) {
    const facts = { tx: null, receipt: null, confirmed: false, chainMs: null };
    if (note === 'receipt_false' && state === 'unknown')
      await engine.ledger.capture(
        id,
        { ...facts, capturedAtomic: heldAtomic, capturedUsdMicros: heldUsdMicros },
        nowMs,
      );
    await engine.ledger.release(id, note, nowMs);
  }
}

const MENDS: Readonly<Record<Mend, (stage: Stage, wallet: Wallet) => Promise<unknown>>> = {
  reconcile: (_stage, wallet) => look(wallet),
  async audit({ world }, wallet) {
    const engine = await wallet.engine();
    await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  },
  async background({ world }, wallet) {
    await world.advance(WATCH_SEC);
    await reconcileDue(await wallet.engine(), new AbortController().signal);
  },
  'new process': async ({ mine }, wallet) => {
    await wallet.close();
    await look(mine.open());
  },
};
