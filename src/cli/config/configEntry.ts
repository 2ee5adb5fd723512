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
  return printChange(call, await changeConfigList(options, findConfigKey(keyText), change, entry));
}
