import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIG_FILE } from '../../config/home.js';
import { WalletError } from '../../errors/walletError.js';
import { replaceFile } from '../../platform/durableFile.js';
import type { CommandCall } from '../command.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { printReport } from '../terminal/output/show.js';
import { run as accept } from './configAccept.js';

/**
 * Opens the settings in the owner's editor, and takes the edit once its changes were shown and accepted as any edit is. What
 * is not accepted is put back, so that signing never stops for it.
 */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  if (!isInteractive(io)) throw new WalletError('terminal_needed', 'Settings are edited in a terminal.');
  const path = join(home, CONFIG_FILE);
  const before = readFileSync(path, 'utf8');
  const after = await edited(io, before);
  if (after === before)
    return printReport(io, flags.has('json'), { message: 'Nothing was changed.' }, ['Nothing was changed.']);
  const write = { mode: 0o600 };
  await replaceFile(path, after, write);
  try {
    return await accept(call);
  } catch (error) {
    if (readFileSync(path, 'utf8') === after) await replaceFile(path, before, write);
    throw error;
  }
}

/** The text as the person leaves it. Throws `cancelled` where the editor ends with a fault. */
async function edited(io: CliIo, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-edit-'));
  const copy = join(folder, CONFIG_FILE);
  try {
    writeFileSync(copy, text, { mode: 0o600 });
    const fallback = io.platform === 'win32' ? 'notepad' : 'vi';
    const editor = io.env['VISUAL'] || io.env['EDITOR'] || fallback;
    // A shell reads the editor's own flags, as git has it; the file is a word of its own.
    const child =
      io.platform === 'win32'
        ? spawn(`${editor} "${copy}"`, { stdio: 'inherit', shell: true })
        : spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', copy], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0)
      throw new WalletError('cancelled', `The editor (${editor}) ended with a fault; nothing was changed.`);
    return readFileSync(copy, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
