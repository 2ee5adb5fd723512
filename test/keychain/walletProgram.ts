import { createInterface } from 'node:readline';
import { FileStore } from '../../src/keys/store/fileStore.js';
import { KeychainStore } from '../../src/keys/store/keychainStore.js';
import { StoreKeystore } from '../../src/keys/keystore.js';
import type { KeystoreKind, LedgerAnchor, WalletSecret } from '../../src/keys/keystore.js';
import type { OwnerAction, OwnerStep } from '../../src/errors/ownerAction.js';

/** One step for the program; it answers each with one line. */
export type Step =
  | { readonly do: 'presence' }
  | { readonly do: 'create'; readonly secret: WalletSecret }
  | { readonly do: 'unlock' }
  | { readonly do: 'readAnchor' }
  | { readonly do: 'writeAnchor'; readonly anchor: LedgerAnchor; readonly rebuilt?: boolean }
  /** Renews without end, one line each: to be killed. */
  | { readonly do: 'writeAnchors'; readonly ledgerId: string; readonly fromSeq: number };

/** What a step came to. */
export interface Answer {
  readonly value?: unknown;
  readonly code?: string;
  /** What the owner is told. */
  readonly ownerSays?: string;
  readonly ownerAction?: OwnerAction;
  readonly tookMs: number;
}

/** What the program is started with. */
export interface Setup {
  readonly kind: KeystoreKind;
  readonly home: string;
  readonly passphrase?: string;
  readonly deadlineMs?: number;
}

/** These checkpoints are of no ledger, so nothing is asked of one. */
const GOES_ON = { continues: () => Promise.resolve() };

/** What the program ends with once its input is over: a number that nothing else gives. */
const EXIT_CODE = 6;

const setup = JSON.parse(process.argv[2] ?? '') as Setup;
const store =
  setup.kind === 'file'
    ? new FileStore(setup.home, async () => setup.passphrase ?? null)
    : new KeychainStore(setup.home, setup.deadlineMs);
const keystore = new StoreKeystore(setup.home, store);

async function take(step: Step): Promise<unknown> {
  switch (step.do) {
    case 'presence':
      return await keystore.presence();
    case 'create':
      return (await keystore.create(step.secret)).walletId;
    case 'unlock': {
      const wallet = await keystore.unlock();
      return {
        walletId: wallet.walletId,
        secret: { ...wallet.revealSecret() },
        address: await wallet.evmAddress(0),
      };
    }
    case 'readAnchor':
      return await (await keystore.unlock()).readAnchor();
    case 'writeAnchor':
      return await (
        await keystore.unlock()
      ).writeAnchor(step.anchor, step.rebuilt === true ? 'rebuilt' : GOES_ON);
    case 'writeAnchors': {
      const wallet = await keystore.unlock();
      for (let seq = step.fromSeq; ; seq += 1) {
        await wallet.writeAnchor({ ledgerId: step.ledgerId, seq, headHash: `h${seq}` }, GOES_ON);
        say({ value: seq, tookMs: 0 });
      }
    }
  }
}

function say(answer: Answer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

say({ value: 'ready', tookMs: 0 });
for await (const line of createInterface({ input: process.stdin })) {
  const startedMs = performance.now();
  const outcome = await take(JSON.parse(line) as Step).then(
    (value) => ({ value: value ?? null }),
    (error: { code?: string; stack?: string; owner?: OwnerStep }) => ({
      code: error.code ?? error.stack ?? 'unknown',
      ...(error.owner === undefined ? {} : { ownerSays: error.owner.say }),
      ...(error.owner?.action === undefined ? {} : { ownerAction: error.owner.action }),
    }),
  );
  say({ ...outcome, tookMs: performance.now() - startedMs });
}
process.exit(EXIT_CODE);
