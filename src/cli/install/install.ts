import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installInto, type ClientChange } from '../../clients/install.js';
import { listKeys } from '../../config/change.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { CONFIG_FILE } from '../../config/home.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Launch } from '../../clients/launch/launch.js';
import { startsInstalled } from '../../clients/launch/writtenLaunch.js';
import type { KeystoreKind } from '../../keys/keystore.js';
import { sayPlaces } from '../../wallet/agentAddress.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { PACKAGE, programName } from '../line/program.js';
import { lookAtManaged } from './clientCheckUp.js';
import { chooseTargets, findTargets, launchFor, machineOf, type Target } from './clientChoice.js';
import { changeLines, checkAndTell, jsonChanges, printDiffs, shortPath, thenLines } from './clientReport.js';
import type { CommandCall } from '../command.js';
import { paidServerOf, standInLaunch } from './paidServer.js';
import { isInteractive } from '../terminal/io.js';
import { makeWallet, offerFactor, type MadeWallet } from '../setUp/makeWallet.js';
import { keepForClients } from '../setUp/keepForClients.js';
import { askLine, askYes } from '../terminal/input/prompt.js';
import { printJson, printLines } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';

/** The caps a person is asked about. */
const ASKED_LIMITS = [
  'limits.per_call_usd',
  'limits.per_session_usd',
  'limits.per_day_usd',
  'limits.per_month_usd',
];

/** Makes the wallet where there is none, and adds it to MCP clients. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const dryRun = flags.has('dryRun');
  const server = paidServerOf(flags);
  const targets = await chosenTargets(call);
  const wallet = dryRun ? null : await walletFor(call);
  const { passphraseFile, unattended } = await withWalletSaid(call, wallet, async () => ({
    passphraseFile: await keepForClients(call, wallet?.passphrase ?? null, keystoreOf(call)),
    unattended: await wantsUnattended(call, targets),
  }));
  const { launch: own, node } = launchFor(call, keystoreOf(call), passphraseFile, unattended);
  const launch = server === null ? own : standInLaunch(own, server);
  const changes: ClientChange[] = [];
  for (const { client, file } of targets) {
    changes.push(await installInto(client, file, launch, { machine: machineOf(io), dryRun }));
  }
  const isJson = flags.has('json');
  if (!isJson) {
    if (dryRun) printDiffs(io, changes);
    printLines(io.stdout, changeLines(io, changes, dryRun));
    printLines(
      io.stdout,
      targets.flatMap(lookAtManaged).map(({ says, mend }) => `${says} ${mend?.say ?? ''}`),
    );
  }
  const reached = changes.some(({ change }) => change !== 'refused');
  const wantsCheck = !dryRun && reached && flags.has('check');
  const check = wantsCheck ? await checkAndTell(io, launch, node) : null;
  const isWhole = changes.every(({ change }) => change !== 'refused') && check?.starts !== false;
  const message = isWhole ? 'Done.' : 'Not all of it could be done.';
  if (isJson) {
    const address = wallet?.setUp.address ?? null;
    const fields = { changes: jsonChanges(changes), launch, check, address };
    printJson(io, {
      status: isWhole ? 'ok' : 'failed',
      code: isWhole ? 'ok' : 'client_config',
      message,
      ...fields,
    });
  } else if (!dryRun) printLines(io.stdout, nextLines(call, wallet, changes, launch));
  return isWhole ? 0 : 1;
}

async function chosenTargets({ io, args, flags }: CommandCall): Promise<readonly Target[]> {
  const names = args.filter((name) => name !== undefined);
  const all = await findTargets(io, names);
  if (names.length > 0) return all;
  const there = all.filter((target) => target.there);
  if (there.length === 0) {
    const known = [...new Set(all.map(({ client }) => client.id))].join(', ');
    throw new WalletError(
      'bad_input',
      `No MCP client was found here; name one to add it all the same: ${known}.`,
    );
  }
  if (flags.has('yes') || flags.has('dryRun')) return there;
  const what = flags.text('mcp') ?? 'purser';
  return chooseTargets(io, there, `Add ${what} to which? Enter for all, or numbers such as 1,3: `);
}

/** Makes the wallet on the first run, and asks for its limits and a factor; null where there is one. */
async function walletFor(call: CommandCall): Promise<MadeWallet | null> {
  const { io, home, flags } = call;
  if (!flags.has('init') || existsSync(join(home, CONFIG_FILE))) return null;
  if (!flags.has('yes') && !isInteractive(io)) {
    throw new WalletError(
      'bad_input',
      'Without a terminal, install needs --yes, or --no-init to make no wallet.',
    );
  }
  const made = await makeWallet(call, 'install');
  printLines(io.stderr, [
    '',
    `A wallet is ready in ${shortPath(io, home)}; its keys are in ${made.setUp.keystore === 'file' ? 'an encrypted file' : 'the keychain'}.`,
  ]);
  await withWalletSaid(call, made, async () => {
    await setLimits(call, made);
    await offerFactor(call, made.passphrase);
  });
  return made;
}

/** Says of what was cancelled behind the making of a wallet that the wallet is there; no client was changed by then. */
async function withWalletSaid<T>(
  { io, home }: CommandCall,
  wallet: MadeWallet | null,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (wallet === null || !isWalletError(error) || error.code !== 'cancelled') throw error;
    const made = `Cancelled. The new wallet in ${shortPath(io, home)} stays; no client was changed.`;
    throw new WalletError('cancelled', made, {
      owner: { say: 'Go on when you like.', action: { kind: 'installClient' } },
    });
  }
}

/** Whether clients shall pay where nobody answers their prompts: as the flag says, or a person whose Codex may run so. */
async function wantsUnattended({ io, flags }: CommandCall, targets: readonly Target[]): Promise<boolean> {
  if (flags.has('unattended')) return true;
  const asking = targets.filter(({ client }) => client.unattended !== undefined);
  if (asking.length === 0 || flags.has('yes') || flags.has('dryRun') || !isInteractive(io)) return false;
  printLines(io.stderr, ['', ...asking.flatMap(({ client }) => client.unattended?.asks ?? [])]);
  return askYes(io, 'Will it run unattended?');
}

/** Sets what flags say of a new wallet's limits, or what its owner says. */
async function setLimits(call: CommandCall, { setUp, passphrase }: MadeWallet): Promise<void> {
  const { io, home, flags } = call;
  const { changeConfig } = await import('../../owner/ownerConfig.js');
  const options = { home, now: io.now, passphrase, auth: { passphrase, atTerminal: isInteractive(io) } };
  for (const setting of flags.list('set')) {
    const [key = '', value] = setting.split(/=(.*)/s);
    if (value === undefined) throw new WalletError('bad_input', '--set takes KEY=VALUE.');
    await changeConfig(options, key, value);
  }
  if (flags.has('yes') || flags.has('json') || !isInteractive(io)) return;
  const values = new Map(listKeys(readConfigUnauthenticated(home)).map(({ key, value }) => [key, value]));
  printLines(io.stderr, [
    '',
    `What agents may spend without asking you, in ${setUp.config.testnet ? 'test ' : ''}dollars:`,
    ...layPairs(ASKED_LIMITS.map((key) => [`  ${key}`, values.get(key) ?? ''])),
  ]);
  if (!(await askYes(io, 'Change one?'))) return;
  for (const key of ASKED_LIMITS) {
    for (;;) {
      const answer = (await askLine(io, `${key} [${values.get(key) ?? ''}]: `))?.trim() ?? '';
      if (answer === '') break;
      try {
        await changeConfig(options, key, answer);
        break;
      } catch (error) {
        if (!(error instanceof WalletError) || error.code !== 'bad_input') throw error;
        printLines(io.stderr, [error.shortMessage]);
      }
    }
  }
}

function keystoreOf({ home }: CommandCall): KeystoreKind | null {
  try {
    return readConfigUnauthenticated(home).keystore;
  } catch {
    return null;
  }
}

/** What a person does now. */
function nextLines(
  call: CommandCall,
  wallet: MadeWallet | null,
  changes: readonly ClientChange[],
  launch: Launch,
): string[] {
  const byNpx = launch.unattended === true && !startsInstalled(launch);
  const steps = [
    ...thenLines(call.io, changes, launch),
    ...(byNpx
      ? [
          `It is started by npx, which looks the package up each time. Quicker: npm install -g ${PACKAGE}, then this again.`,
        ]
      : []),
  ];
  return [
    ...(steps.length === 0 ? [] : ['', ...steps]),
    ...(wallet === null ? [] : ['', ...fundLines(call, wallet)]),
    ...(wallet === null ? [] : ['', 'Then ask your agent: "What is in my wallet?"']),
  ];
}

function fundLines({ io, has }: CommandCall, { setUp }: MadeWallet): string[] {
  const { config, made, places } = setUp;
  const coin = config.testnet ? 'test USDC' : 'USDC';
  return [
    `Fund it    send ${coin} to ${places.length > 1 ? 'one of these' : 'this address'}; no gas coin is needed`,
    ...sayPlaces(places).map((place) => `           ${place}`),
    ...(has('fund') ? [`           or see the ways to: ${showLine(commandLine('fund'), io)}`] : []),
    ...(made === 'imported' || made === 'restored'
      ? []
      : [
          `Back it up ${showLine(commandLine('backup'), io)}`,
          '           (shows the words that alone can bring it back)',
        ]),
    `Look       ${programName(io)} --help`,
  ];
}
