import type { LedgerContext } from '../file/context.js';
import type { JournalEntry } from './entry.js';
import { ledgerTimeMs, type JournalHead } from './journal.js';

/** The register's key of the config that the servers of a fleet agreed on. */
export const AGREED_CONFIG_KEY = 'config';

/** Which config that is. */
export interface AgreedConfig {
  readonly version: number;
  /** SHA-256 of its text, hex. */
  readonly digest: string;
}

/** The register's text of it. */
export function agreedText({ version, digest }: AgreedConfig): string {
  return `${version} ${digest}`;
}

/** The config that was agreed on, or null where none was, or the ledger knows a later version than that. */
export function agreedConfig({ register }: LedgerContext, head: JournalHead): AgreedConfig | null {
  const [version, digest] = (register.get(head.register, AGREED_CONFIG_KEY) ?? '').split(' ');
  return digest === undefined || Number(version) !== head.configVersion
    ? null
    : { version: Number(version), digest };
}

/**
 * Has all servers agree on a config, in the caller's transaction: the first one of its version. True where it is the one
 * that was agreed on already; false, and nothing is changed, where the ledger knows another one, or a later version.
 */
export function agreeOnConfig(context: LedgerContext, config: AgreedConfig, nowMs: number): boolean {
  const head = context.journal.checkedHead();
  const agreed = agreedConfig(context, head);
  if (agreed !== null && agreedText(agreed) === agreedText(config)) return true;
  if (config.version < head.configVersion || agreed?.version === config.version) return false;
  const { version, digest } = config;
  const register = context.register.set(head.register, AGREED_CONFIG_KEY, agreedText(config));
  const timeMs = ledgerTimeMs(head, nowMs);
  const entry = { kind: 'config', subject: 'config', data: { version, digest }, timeMs } as const;
  context.journal.append(head, entry, { configVersion: version, register });
  return true;
}

/** What an entry of the kind `config` says was agreed on, or null where it names a version alone. */
export function agreedIn({ data }: JournalEntry): AgreedConfig | null {
  const { version, digest } = JSON.parse(data) as Partial<AgreedConfig>;
  return version === undefined || digest === undefined ? null : { version, digest };
}
