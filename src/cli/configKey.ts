import { describeKeys } from '../config/change.js';
import { findKey } from '../config/settings.js';
import { isWalletError, WalletError } from '../errors/walletError.js';

/** The key as the config spells it. Throws `bad_input` that lists the keys there are. */
export function findConfigKey(text: string): string {
  try {
    return findKey(text).key;
  } catch (error) {
    if (!isWalletError(error)) throw error;
    const keys = describeKeys().map(({ key }) => key);
    throw new WalletError('bad_input', `${error.shortMessage} The keys are: ${keys.join(', ')}.`);
  }
}

/** Every key with what it starts at and does, for help. */
export function keysHelp(): string {
  const rows = describeKeys().map(({ key, initial, doc }) => `  ${key} (${initial})\n      ${doc}`);
  return `\nKeys, with what they start at:\n${rows.join('\n')}\n`;
}
