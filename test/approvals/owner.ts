import { makePassphraseFactor } from '../../src/approvals/factor.js';
import type { Answer, OwnerDesk } from '../../src/approvals/desk.js';
import { openDesk } from '../../src/wallet/desk.js';
import type { Engine } from '../../src/wallet/engine.js';
import { storedFactor } from '../../src/wallet/ownerFactor.js';
import type { Wallet } from '../../src/wallet/wallet.js';

/** The owner passphrase of every wallet in these tests; never the one that unlocks it. */
export const OWNER_PASSPHRASE = 'seven purple otters swim upstream';

/** Gives a wallet its first factor. */
export async function addOwner(wallet: Wallet): Promise<void> {
  const engine = await wallet.engine();
  const factor = await makePassphraseFactor(OWNER_PASSPHRASE, { nowMs: engine.now() });
  await engine.ledger.factors.add(storedFactor(factor), null, engine.now());
}

/** The owner's desk over a wallet that is open. */
export function deskOf(engine: Engine): OwnerDesk {
  const { home, ledger, keys } = engine;
  return openDesk({ home, ledger, configMac: (data) => keys.mac('config', data), now: () => engine.now() });
}

/** Answers a question as its owner does, with the passphrase. */
export async function answerAs(engine: Engine, id: string, answer: Answer, passphrase = OWNER_PASSPHRASE) {
  const desk = deskOf(engine);
  const shown = await desk.show(id);
  if (shown === null) throw new Error(`There is no approval ${id}.`);
  return desk.answer(id, shown.digest, answer, { kind: 'passphrase', passphrase });
}
