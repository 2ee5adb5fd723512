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

/** Prints what several changes came to, made in one step. */
export function printChanges({ io, flags }: CommandCall, changes: readonly ConfigChange[]): number {
  const lines = changes.map(wordsOf);
  const [version = null] = changes.map((change) => change.version);
  const fields = {
    message: lines.join(' '),
    changes: changes.map(({ key, before, after, direction }) => ({ key, before, after, direction })),
    version,
  };
  return printReport(io, flags.has('json'), fields, lines);
}

/** Prints what a change came to. */
export function printChange({ io, flags }: CommandCall, change: ConfigChange): number {
  const { key, before, after, direction, version } = change;
  const message = wordsOf(change);
  return printReport(io, flags.has('json'), { message, key, before, after, direction, version }, [message]);
}

function wordsOf({ key, before, after, direction }: ConfigChange): string {
  return direction === 'same'
    ? `${key} is ${after} already.`
    : `${key}: ${before} → ${after} (${WORDS[direction]}).`;
}
