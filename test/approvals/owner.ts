import type { TryPlace } from '../../src/ledger/books/factor.js';
import { randomBytes, scryptSync } from 'node:crypto';
import { FIRST_OWNER, type PassphraseFactor } from '../../src/approvals/factor.js';
import type { Answer, ApprovalInbox } from '../../src/approvals/inbox.js';
import { openInbox } from '../../src/owner/approvalInbox.js';
import type { Engine } from '../../src/wallet/engine.js';
import { rememberFactors } from '../../src/owner/auth/factorMemory.js';
import { unlockAsAnyone, type OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { withLedger } from '../../src/owner/ownerConfig.js';
import { rememberLedger } from '../../src/wallet/checkpoint.js';
import { storedFactor } from '../../src/owner/auth/ownerFactor.js';

/** The owner passphrase of every wallet in these tests; never the one that unlocks it. */
export const OWNER_PASSPHRASE = 'seven purple otters swim upstream';

/** The least that a stored factor may cost to try, a quarter of what the product makes them cost. */
const COST = { n: 2 ** 15, r: 8, p: 1 } as const;

let quick: PassphraseFactor | undefined;

/** A factor of a passphrase, quick to try: the cost of a guess is not what most tests are about. */
export function quickFactorOf(
  passphrase: string,
  named: Pick<PassphraseFactor, 'id' | 'label' | 'owner'>,
): PassphraseFactor {
  const salt = randomBytes(32);
  const { n: N, r, p } = COST;
  const key = scryptSync(passphrase, salt, 32, { N, r, p, maxmem: 2 ** 26 }).toString('hex');
  return { ...named, kind: 'passphrase', createdMs: 0, data: { ...COST, salt: salt.toString('hex'), key } };
}

function quickFactor(): PassphraseFactor {
  return (quick ??= quickFactorOf(OWNER_PASSPHRASE, {
    id: 'fac_00000000000000000001',
    label: 'owner passphrase',
  }));
}

/** Gives a wallet several owners, each with a passphrase of their own, and has a loosening need two of them. */
export async function addOwners(
  options: OwnerOptions,
  passphrases: Readonly<Record<string, string>>,
): Promise<void> {
  const keys = await unlockAsAnyone(options);
  await withLedger(options, keys, async (ledger) => {
    for (const [at, [name, passphrase]] of Object.entries(passphrases).entries()) {
      const named = { id: `fac_${String(at).padStart(20, '0')}`, label: `${name}’s own` };
      const factor = quickFactorOf(passphrase, name === FIRST_OWNER ? named : { ...named, owner: name });
      const [first] = await ledger.factors.list();
      const use =
        first === undefined
          ? null
          : { id: first.id, before: first.record, record: first.record, clearsTries: null };
      await ledger.factors.add(storedFactor(factor), use, options.now());
    }
    const factorIds = (await ledger.factors.list()).map(({ id }) => id);
    await ledger.owners.setQuorum(2, { by: [], factorIds }, options.now());
    await rememberFactors(keys, ledger);
    await rememberLedger(keys, ledger);
  });
}

/** Gives a wallet its first factor. */
export async function addOwner(engine: Pick<Engine, 'ledger' | 'keys' | 'now'>): Promise<void> {
  const { ledger, keys } = engine;
  await ledger.factors.add(storedFactor(quickFactor()), null, engine.now());
  await rememberFactors(keys, ledger);
}

/** The owner's inbox over a wallet that is open. */
export function inboxOf(engine: Engine, place: TryPlace = 'page'): ApprovalInbox {
  const { home, ledger, keys } = engine;
  const configMac = (data: string): Uint8Array => keys.mac('config', data);
  return openInbox({ home, ledger, configMac, now: () => engine.now(), place });
}

/** Answers a question as its owner does, with the passphrase. */
export async function answerAs(engine: Engine, id: string, answer: Answer, passphrase = OWNER_PASSPHRASE) {
  const inbox = inboxOf(engine);
  const shown = await inbox.show(id);
  if (shown === null) throw new Error(`There is no approval ${id}.`);
  return inbox.answer(id, shown.digest, answer, { kind: 'passphrase', passphrase });
}
