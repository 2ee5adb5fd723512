import { timingSafeEqual } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import type { WalletKeys } from './secret.js';

/**
 * A checkpoint of the ledger's journal, kept by the keystore, so that a ledger deleted or put back to an old copy is
 * noticed (T29).
 */
export interface LedgerAnchor {
  readonly ledgerId: string;
  /** Number of the journal entry that was the head; a safe integer from 0. */
  readonly seq: number;
  readonly headHash: string;
  /** Set where the owner had frozen the wallet there. */
  readonly isFrozen?: true;
}

const RECORD_VERSION = 1;
const FROZEN = 'frozen';

/** Ids and hashes of the ledger: visible ASCII, bounded so that the record stays small in any keychain. */
const FIELD = /^[\x21-\x7e]{1,128}$/;
const MAC_HEX = /^[0-9a-f]{64}$/;

/** Windows keeps 2560 bytes in an entry of its keychain; the checkpoint itself takes some 400 of them. */
const FACTORS_BYTES_MAX = 2048;

/** What a keystore remembers of the ledger, so that losing the ledger loses neither (T29). */
export interface LedgerMemory {
  /** Null where no checkpoint was ever written. */
  readonly anchor: LedgerAnchor | null;
  /** The factors that prove the owner, each as JSON in the format of the code that checks it. */
  readonly factors: readonly string[];
}

/** Whether so many factors are few and small enough to be remembered by any keychain. */
export function fitsMemory(factors: readonly string[]): boolean {
  return Buffer.byteLength(factors.join()) <= FACTORS_BYTES_MAX;
}

/** Whether a record speaks of factors; nothing proves yet that it is the wallet's own. */
export function looksFactored(text: string | null): boolean {
  try {
    const { factors } = JSON.parse(text ?? '{}') as { factors?: unknown };
    return Array.isArray(factors) && factors.length > 0;
  } catch {
    return false;
  }
}

/**
 * The record a keystore keeps for the ledger: plain text with an authentication code of this wallet.
 *
 * Nothing in it is a secret, so it is authenticated and not encrypted; its key comes from the wallet's secret, so
 * that both keystores hold the same record and renewing it needs no passphrase. One without a checkpoint is written
 * when the wallet is made: from then on a missing record means that it was deleted.
 */
export function sealMemory({ anchor, factors }: LedgerMemory, keys: WalletKeys): string {
  if (anchor !== null && !isAnchor(anchor)) throw new WalletError('internal', 'The checkpoint is malformed.');
  if (!fitsMemory(factors)) throw new WalletError('bad_input', 'The keystore cannot keep so many factors.');
  const fields = anchor === null ? null : fieldsOf(anchor);
  const told =
    factors.length === 0 ? {} : { factors: factors.map((factor) => JSON.parse(factor) as unknown) };
  const mac = macMemory(fields, told.factors, keys);
  return `${JSON.stringify({ version: RECORD_VERSION, anchor: fields, ...told, mac })}\n`;
}

/** A field more where the wallet was frozen: a Purser from before this one reads the record all the same. */
function fieldsOf({ ledgerId, seq, headHash, isFrozen }: LedgerAnchor): (string | number)[] {
  return [ledgerId, seq, headHash, ...(isFrozen === true ? [FROZEN] : [])];
}

/** Reads {@link sealMemory}'s record; `keystore_unreadable` where it is missing, damaged or of another wallet. */
export function openMemory(text: string | null, keys: WalletKeys): LedgerMemory {
  if (text === null) throw unreadableAnchor('is gone');
  let record: { version?: unknown; anchor?: unknown; factors?: unknown; mac?: unknown } | null;
  try {
    record = JSON.parse(text) as typeof record;
  } catch {
    throw unreadableAnchor('does not parse');
  }
  const [fields, told] = [record?.anchor, record?.factors];
  const isWhole = (fields === null || Array.isArray(fields)) && (told === undefined || Array.isArray(told));
  if (record?.version !== RECORD_VERSION || !isWhole) {
    throw unreadableAnchor('is not one this version writes');
  }
  const mac =
    typeof record.mac === 'string' && MAC_HEX.test(record.mac) ? Buffer.from(record.mac, 'hex') : null;
  if (mac === null || !timingSafeEqual(mac, Buffer.from(macMemory(fields, told, keys), 'hex'))) {
    throw unreadableAnchor('fails its authentication code');
  }
  const factors = (told ?? []).map((factor) => JSON.stringify(factor));
  if (fields === null) return { anchor: null, factors };
  const [ledgerId, seq, headHash, mark] = fields as unknown[];
  const anchor = { ledgerId, seq, headHash, ...(mark === FROZEN ? { isFrozen: true as const } : {}) };
  if (!isAnchor(anchor)) throw unreadableAnchor('is malformed');
  return { anchor, factors };
}

/**
 * Judges a renewal: `renew`, or `keep` where a later checkpoint of the same ledger is kept already.
 *
 * Throws `ledger_foreign` for another ledger and `ledger_damaged` for two heads with one number: neither may
 * replace the memory that gives it away.
 */
export function judgeRenewal(kept: LedgerAnchor | null, next: LedgerAnchor): 'renew' | 'keep' {
  if (kept === null) return 'renew';
  if (kept.ledgerId !== next.ledgerId) {
    throw new WalletError('ledger_foreign', 'The keystore remembers another ledger than this one.', {
      owner: {
        say: 'If the old ledger is lost, rebuild it from the chain.',
        action: { kind: 'rebuildLedger' },
      },
    });
  }
  if (kept.seq === next.seq && kept.headHash !== next.headHash) {
    throw new WalletError(
      'ledger_damaged',
      `The keystore remembers another journal entry ${kept.seq} than this one.`,
      {
        owner: {
          say: 'The ledger was put back to an old copy, or edited.',
          action: { kind: 'rebuildLedger' },
        },
      },
    );
  }
  return next.seq > kept.seq ? 'renew' : 'keep';
}

function isAnchor(anchor: Record<Exclude<keyof LedgerAnchor, 'isFrozen'>, unknown>): anchor is LedgerAnchor {
  const { ledgerId, seq, headHash } = anchor;
  return (
    typeof ledgerId === 'string' &&
    FIELD.test(ledgerId) &&
    Number.isSafeInteger(seq) &&
    (seq as number) >= 0 &&
    typeof headHash === 'string' &&
    FIELD.test(headHash)
  );
}

function macMemory(
  fields: readonly unknown[] | null,
  factors: readonly unknown[] | undefined,
  keys: WalletKeys,
): string {
  const covered = factors === undefined ? [RECORD_VERSION, fields] : [RECORD_VERSION, fields, factors];
  return Buffer.from(keys.mac('anchor', JSON.stringify(covered))).toString('hex');
}

function unreadableAnchor(why: string): WalletError {
  return new WalletError('keystore_unreadable', `The keystore's checkpoint of the ledger ${why}.`, {
    owner: {
      say: 'Have the ledger checked against the chain and the checkpoint written anew.',
      action: { kind: 'rebuildLedger' },
    },
  });
}
