import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { AskPassphrase, KeystoreKind } from '../../keys/keystore.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { OwnerOptions } from '../../owner/auth/ownerAuth.js';
import { setUpWallet, type SecretSource, type SetUp } from '../../owner/setUp/setUp.js';
import type { CommandCall } from '../command.js';
import { isInteractive, readStdin, type CliIo } from '../terminal/io.js';
import { askHidden, askYes } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';
import { ownerAuth } from '../terminal/wallet.js';
import { chooseKeystore, newPassphrase, wantsFileInstead, withFileCommand } from './newKeystore.js';

/** A phrase of 24 words or a key, with room for blanks. */
const SECRET_BYTES_MAX = 4096;
/** A wallet that was just made, and what opens it. */
export interface MadeWallet {
  readonly setUp: SetUp;
  readonly passphrase: AskPassphrase;
}

/**
 * Makes a wallet as flags and a person at the terminal say, or finishes one. `command` is what they ran, for
 * the sentence that names how to go on without a keychain.
 */
export async function makeWallet(call: CommandCall, command = 'init'): Promise<MadeWallet> {
  const named = await chooseKeystore(call);
  const passphrase = newPassphrase(call);
  const secret = await secretSource(call);
  const make = (keystore: KeystoreKind | undefined): Promise<SetUp> =>
    setUpWallet({
      home: call.home,
      keystore,
      testnet: call.flags.has('testnet'),
      rpcUrls: rpcFlags(call.flags.list('rpc')),
      secret,
      passphrase,
      auth: ownerAuth(call),
      now: call.io.now,
    });
  try {
    const setUp = await make(named).catch(async (error: unknown) => {
      if (await wantsFileInstead(call, error)) return make('file');
      throw error;
    });
    return { setUp, passphrase };
  } catch (error) {
    throw await withFileCommand(error, call, command);
  }
}

/** Offers to add what proves the owner; whoever just made the wallet at this terminal is that. */
export async function offerFactor(
  call: CommandCall,
  passphrase: () => Promise<string | null>,
): Promise<void> {
  const { io, home, flags } = call;
  if (flags.has('yes') || flags.has('json') || !isInteractive(io)) return;
  const auth = { passphrase, atTerminal: true };
  const options = { home, now: io.now, passphrase, auth };
  printLines(io.stderr, ['', 'An owner passphrase lets you say yes to a payment that passes a limit.']);
  for (;;) {
    const given = await askHidden(
      io,
      'Owner passphrase, not the one of the keystore (Enter: a passkey, or later): ',
    );
    if (given === null || given === '') return await offerPasskey(call, options);
    if ((await askHidden(io, 'The same again: ')) !== given) {
      io.stderr.write('The two differ; once more.\n');
      continue;
    }
    try {
      const { addPassphrase } = await import('../../owner/auth/ownerFactors.js');
      await addPassphrase(options, () => Promise.resolve(given), {});
      io.stderr.write('Added.\n');
      return;
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'bad_input') throw error;
      printLines(io.stderr, [error.shortMessage]);
    }
  }
}

async function offerPasskey(call: CommandCall, options: OwnerOptions): Promise<void> {
  const { io } = call;
  try {
    if (await askYes(io, 'A passkey instead, made in your browser now?')) {
      const { enrolPasskey } = await import('../approvals/factorAdd.js');
      const { label } = await enrolPasskey(call, options, {});
      io.stderr.write(`Added ${label}.\n`);
      return;
    }
  } catch (error) {
    // The wallet is there: that the page was closed is no reason to fail what made it.
    if (!isWalletError(error) || error.code !== 'cancelled') throw error;
    printLines(io.stderr, [error.shortMessage]);
  }
  printLines(io.stderr, [`Add one later: ${showLine(commandLine('factor add', ['passphrase']), io)}`]);
}

/** Reads `--rpc eip155:8453=https://…`. */
function rpcFlags(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [, caip2, url] = /^([\w:]+)=(.+)$/.exec(text) ?? [];
      if (caip2 !== undefined && url !== undefined) return [caip2, url];
      throw new WalletError(
        'bad_input',
        '--rpc is NETWORK=URL, such as eip155:8453=https://rpc.example.com.',
      );
    }),
  );
}

/** T21: a phrase or key comes by stdin, or typed unseen; never by an argument or the environment. */
async function secretSource({ io, flags }: CommandCall): Promise<SecretSource> {
  const [restores, imports] = [flags.has('restoreStdin'), flags.has('importKeyStdin')];
  if (restores && imports) {
    throw new WalletError('bad_input', 'Give --restore-stdin or --import-key-stdin, not both.');
  }
  if (restores) return { kind: 'restore', phrase: await readSecret(io, 'Recovery phrase (not shown): ') };
  if (imports) return { kind: 'import', evmKey: await readSecret(io, 'Private key (not shown): ') };
  return { kind: 'new' };
}

async function readSecret(io: CliIo, question: string): Promise<string> {
  const text = isInteractive(io) ? await askHidden(io, question) : await readStdin(io, SECRET_BYTES_MAX);
  if (text === null || text.trim() === '') {
    throw new WalletError('bad_input', 'Standard input holds no phrase or key; nothing was made.');
  }
  return text;
}
