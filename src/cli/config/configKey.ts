import { describeKeys } from '../../config/change.js';
import { findKey } from '../../config/settings.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';

/** Keys that come by the dozen, named once where all are listed. */
const FAMILY =
  /^(admin\.oidc|agents\.<agent>|budgets\.<budget>|notices\.channels\.<channel>|(?:limits|ceilings)\.categories\.<category>)\..*$/;

/** The key as the config spells it. Throws `bad_input` that lists the keys there are. */
export function findConfigKey(text: string): string {
  try {
    return findKey(text).key;
  } catch (error) {
    if (!isWalletError(error)) throw error;
    const keys = new Set(describeKeys().map(({ key }) => key.replace(FAMILY, '$1.…')));
    throw new WalletError('bad_input', `${error.shortMessage} The keys are: ${[...keys].join(', ')}.`);
  }
}

/** Every key with what it starts at and does, for help. */
export function keysHelp(): string {
  const rows = describeKeys().map(({ key, initial, doc }) => `  ${key} (${initial})\n      ${doc}`);
  return `\nKeys, with what they start at:\n${rows.join('\n')}\n`;
}
