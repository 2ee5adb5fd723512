import { join } from 'node:path';
import { CONFIG_FILE } from '../../config/home.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** Prints where config.json is, or will be. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  const path = join(home, CONFIG_FILE);
  return printReport(io, flags.has('json'), { message: `The config is ${path}.`, path, home }, [path]);
}
