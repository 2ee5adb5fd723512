import { listKeys } from '../config/change.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import type { KeystoreKind } from '../keys/keystore.js';
import { findNetwork } from '../money/network.js';
import { lookForMoney, type Findings } from '../wallet/foundMoney.js';
import { ownerCommand } from '../wallet/ownerCommand.js';
import { setUpWallet, type SecretSource, type SetUp } from '../wallet/setUp.js';
import type { CommandCall } from './command.js';
import { connectLines } from './connect.js';
import { isInteractive, readStdin, type CliIo } from './io.js';
import { passphraseFromEnvironment, passphraseFromFlag } from './passphrase.js';
import { askHidden, askLine } from './prompt.js';
import { printReport } from './show.js';
import { layPairs } from './table.js';
import { ownerHand } from './wallet.js';

/** A phrase of 24 words or a key, with room for blanks. */
const SECRET_BYTES_MAX = 4096;
/** Shortest passphrase taken from a keyboard, as NIST SP 800-63B has it. A file may hold what its owner likes. */
const TYPED_LENGTH_MIN = 8;

/** Makes, restores or imports a wallet, or finishes one whose making was cut off. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  if (!flags.has('yes') && !isInteractive(io)) {
    throw new WalletError('bad_input', 'Without a terminal, init takes flags alone and needs --yes.');
  }
  const keystore = keystoreFlag(flags.text('keystore')) ?? (await chooseKeystore(call));
  const passphrase = keystorePassphrase(call);
  const setUp = await setUpWallet({
    home,
    keystore,
    testnet: flags.has('testnet'),
    rpcUrls: rpcFlags(flags.list('rpc')),
    secret: await secretSource(call),
    passphrase,
    hand: ownerHand(call),
    now: io.now,
  }).catch((error: unknown) => {
    throw withFileCommand(error, call);
  });
  const findings =
    setUp.made === 'restored' && !flags.has('offline') ? await lookForMoney(setUp.config, setUp.keys) : null;
  const exitCode = report(call, setUp, findings);
  await offerFactor(call, passphrase);
  return exitCode;
}

/** Offers to add what proves the owner; whoever just made the wallet at this terminal is that. */
async function offerFactor(
  { io, home, flags }: CommandCall,
  passphrase: () => Promise<string | null>,
): Promise<void> {
  if (flags.has('yes') || flags.has('json') || !isInteractive(io)) return;
  const hand = { passphrase, atTerminal: true };
  const options = { home, now: io.now, passphrase, hand };
  io.stderr.write('\nAn owner passphrase lets you say yes to a payment that passes a limit.\n');
  for (;;) {
    const given = await askHidden(io, 'Owner passphrase, not the one of the keystore (Enter: later): ');
    if (given === null || given === '') {
      io.stderr.write(`Add one later: ${ownerCommand('factor add passphrase', io)}\n`);
      return;
    }
    if ((await askHidden(io, 'The same again: ')) !== given) {
      io.stderr.write('The two differ; once more.\n');
      continue;
    }
    try {
      const { addPassphrase } = await import('../wallet/ownerFactors.js');
      await addPassphrase(options, () => Promise.resolve(given), '');
      io.stderr.write('Added.\n');
      return;
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'bad_input') throw error;
      io.stderr.write(`${error.shortMessage}\n`);
    }
  }
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

/** What a restored phrase holds, in lines; what could not be looked at is said. */
function foundLines(findings: Findings | null): string[] {
  if (findings === null) return [];
  const { found, silent } = findings;
  const money = found.map(
    ({ amount, asset, label, address, index }) =>
      `Found     ${amount} ${asset} on ${label} at ${address}${index === 0 ? '' : ` (key ${index}, of a further agent)`}`,
  );
  if (money.length === 0 && silent.length === 0) money.push('Found     no money at its first addresses');
  return [
    ...money,
    ...(silent.length === 0
      ? []
      : [`Not seen  ${silent.join(', ')}: no RPC answers now; purser balance looks again`]),
    '',
  ];
}

function keystoreFlag(text: string | undefined): KeystoreKind | undefined {
  if (text === undefined || text === 'file' || text === 'keychain') return text;
  throw new WalletError('bad_input', '--keystore is keychain or file.');
}

/** Asks where the keys go, unless there is nobody to ask or a keystore to go on with. */
async function chooseKeystore({ io, home, flags }: CommandCall): Promise<KeystoreKind | undefined> {
  if (flags.has('yes') || !isInteractive(io)) return undefined;
  const { findKeystoreKind } = await import('../keys/keystore.js');
  if ((await findKeystoreKind(home)) !== undefined) return undefined;
  io.stderr.write(
    `A wallet is made in ${home}. Its keys can be kept in\n` +
      '  1  the keychain of this computer\n' +
      '  2  a file, encrypted with a passphrase\n',
  );
  const answer = await askLine(io, 'Choose 1 or 2 [1]: ');
  if (answer === null) throw new WalletError('cancelled', 'Cancelled; nothing was made.');
  const choice = answer.trim();
  if (choice === '' || choice === '1') return 'keychain';
  if (choice === '2') return 'file';
  throw new WalletError('bad_input', 'The choice is 1 or 2; nothing was made.');
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

/** The passphrase of the keystore: from a file, or typed, twice for a new one. */
function keystorePassphrase({ io, home, flags }: CommandCall): () => Promise<string | null> {
  const file = flags.text('passphraseFile');
  let asked: Promise<string | null> | undefined;
  const find = async (): Promise<string | null> => {
    if (file !== undefined) return passphraseFromFlag(file);
    const named = await passphraseFromEnvironment(io.env);
    if (named !== null || flags.has('yes') || !isInteractive(io)) return named;
    const { findKeystoreKind } = await import('../keys/keystore.js');
    return (await findKeystoreKind(home)) === undefined ? typeTwice(io) : askHidden(io, 'Passphrase: ');
  };
  return () => (asked ??= find());
}

async function typeTwice(io: CliIo): Promise<string> {
  for (;;) {
    const first = await askHidden(io, 'Passphrase for the keystore (nobody can recover it): ');
    if (first === null) throw new WalletError('cancelled', 'Cancelled; nothing was made.');
    if (Array.from(first).length < TYPED_LENGTH_MIN) {
      io.stderr.write(`At least ${TYPED_LENGTH_MIN} characters, please.\n`);
      continue;
    }
    if ((await askHidden(io, 'The same again: ')) === first) return first;
    io.stderr.write('The two differ; once more.\n');
  }
}

/** Where something is missing, names the very command that does without it. */
function withFileCommand(error: unknown, { flags }: CommandCall): unknown {
  if (!isWalletError(error)) return error;
  const given = ['testnet', 'restoreStdin', 'importKeyStdin'].filter((name) => flags.has(name));
  const rest = given.map((name) => ` --${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  const command = `init --keystore file --passphrase-file FILE --yes${rest.join('')}`;
  if (error.code === 'keystore_unavailable') {
    const say = 'Keep the wallet in an encrypted file instead; FILE holds a passphrase of yours.';
    return new WalletError(error.code, error.shortMessage, { cause: error, owner: { say, command } });
  }
  if (error.code === 'keystore_locked' && flags.text('passphraseFile') === undefined) {
    const say = 'Name a file that holds a passphrase of yours.';
    return new WalletError(error.code, error.shortMessage, { cause: error, owner: { say, command } });
  }
  return error;
}

const MADE: Readonly<Record<SetUp['made'], string>> = {
  new: 'A new wallet is ready.',
  restored: 'The wallet is restored from its phrase.',
  imported: 'The wallet is ready with the imported key.',
  finished: 'The wallet is ready: an earlier set-up that was cut off is finished.',
};

function report({ io, home, flags }: CommandCall, setUp: SetUp, findings: Findings | null): number {
  const { made, keystore, config, address } = setUp;
  const message = MADE[made];
  const networks = config.networks.enabled.map((caip2) => findNetwork(caip2)?.label ?? caip2);
  const limits = listKeys(config).filter(({ key }) => /^(limits|ceilings)\./.test(key));
  const fields = {
    message,
    made,
    home,
    keystore,
    testnet: config.testnet,
    address,
    networks: config.networks.enabled,
    limits: Object.fromEntries(limits.map(({ key, value }) => [key, value])),
    found: findings?.found ?? null,
    not_looked_at: findings?.silent ?? null,
  };
  const backUp =
    made === 'new' || made === 'finished'
      ? [`Write down its recovery phrase, in a terminal: ${ownerCommand('backup', io)}`, '']
      : [];
  return printReport(io, flags.has('json'), fields, [
    `${message} (${home}, keys in ${keystore === 'file' ? 'an encrypted file' : 'the keychain'})`,
    '',
    ...foundLines(findings),
    `Address   ${address}`,
    `Fund it   send ${config.testnet ? 'test USDC' : 'USDC'} on ${networks.join(' or ')} to that address; no gas coin is needed`,
    '',
    'What agents may spend without asking (limits) and at all (ceilings), in dollars:',
    ...layPairs(limits.map(({ key, value }) => [`  ${key}`, value])),
    `Change one: ${ownerCommand('config set limits.per_day_usd 3.00', io)}`,
    '',
    ...backUp,
    ...connectLines(io, keystore),
  ]);
}
