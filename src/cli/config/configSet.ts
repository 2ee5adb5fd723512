import type { Direction } from '../../config/direction.js';
import { changeConfig, type ConfigChange } from '../../owner/ownerConfig.js';
import type { CommandCall } from '../command.js';
import { findConfigKey } from './configKey.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

const WORDS: Readonly<Record<Direction, string>> = {
  same: 'as it was',
  tightens: 'tighter',
  loosens: 'looser',
};

/** Sets one key of the config. */
export async function run(call: CommandCall): Promise<number> {
  const [keyText = '', value = ''] = call.args;
  return printChange(call, await changeConfig(ownerOptions(call), findConfigKey(keyText), value));
}

/** Prints what a change came to. */
export function printChange({ io, flags }: CommandCall, change: ConfigChange): number {
  const { key, before, after, direction, version } = change;
  const message =
    direction === 'same'
      ? `${key} is ${after} already.`
      : `${key}: ${before} → ${after} (${WORDS[direction]}).`;
  return printReport(io, flags.has('json'), { message, key, before, after, direction, version }, [message]);
}
