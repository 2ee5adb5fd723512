import { getKey, listKeys } from '../../config/change.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { cleanLine } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { findConfigKey } from './configKey.js';
import { printReport } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';

/** A list of hosts may be long; a script reads all of it. */
const VALUE_LENGTH_MAX = 1_000_000;

/** Prints one key's value, or all of them. Needs no keys, so it does not say whether the file was edited. */
export async function run({ io, home, args, flags }: CommandCall): Promise<number> {
  const config = readConfigUnauthenticated(home);
  const [given] = args;
  const json = flags.has('json');
  if (given === undefined) {
    const keys = listKeys(config);
    const values = Object.fromEntries(keys.map(({ key, value }) => [key, value]));
    const fields = {
      message: `${keys.length} keys.`,
      version: config.version,
      testnet: config.testnet,
      values,
    };
    return printReport(io, json, fields, layPairs(keys.map(({ key, value }) => [key, value])));
  }
  const key = findConfigKey(given);
  const value = getKey(config, key);
  return printReport(io, json, { message: `${key} is ${value}.`, key, value }, [
    cleanLine(value, VALUE_LENGTH_MAX),
  ]);
}
