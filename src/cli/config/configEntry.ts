import { WalletError } from '../../errors/walletError.js';
import { nearest } from '../../text/nearest.js';
import type { EntryChange } from '../../config/change.js';
import { changeConfigList } from '../../owner/ownerConfig.js';
import type { CommandCall } from '../command.js';
import { ownerOptions } from '../terminal/wallet.js';
import { findConfigKey } from './configKey.js';
import { printChange } from './configSet.js';

/** Adds one entry to a list of the config, or removes one. */
export async function changeEntry(call: CommandCall, change: EntryChange): Promise<number> {
  const [keyText = '', entry = ''] = call.args;
  const options = ownerOptions(call);
  const changed = await changeConfigList(options, findConfigKey(keyText), change, entry);
  if (change === 'remove' && changed.direction === 'same') throw notThere(changed.key, changed.before, entry);
  return printChange(call, changed);
}

/** The error of an entry that the list has not; names the one that it most likely means. */
function notThere(key: string, before: string, entry: string): WalletError {
  const entries = before.startsWith('[') ? (JSON.parse(before) as unknown[]).map(String) : [];
  const meant = nearest(entry, entries);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return new WalletError('bad_input', `${key} has no entry ${JSON.stringify(entry)}.${hint}`);
}
