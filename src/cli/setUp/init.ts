import { listKeys } from '../../config/change.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { sayPlaces } from '../../wallet/agentAddress.js';
import { lookForMoney, PAID_DAYS, type Findings, type FoundMoney } from '../../treasury/foundMoney.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { SetUp } from '../../owner/setUp/setUp.js';
import type { CommandCall } from '../command.js';
import { connectLines } from '../install/connect.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { keepForClients } from './keepForClients.js';
import { makeWallet, offerFactor } from './makeWallet.js';
import { keptPassphraseFile } from './passphrase.js';
import { printReport } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';

/** Makes, restores or imports a wallet, or finishes one whose making was cut off. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  if (!flags.has('yes') && !isInteractive(io)) {
    throw new WalletError('bad_input', 'Without a terminal, init takes flags alone and needs --yes.');
  }
  const { setUp, passphrase } = await makeWallet(call);
  const unlockFile = await keepForClients(call, passphrase, setUp.keystore);
  const findings =
    setUp.made === 'restored' && !flags.has('offline')
      ? await lookForMoney(setUp.config, setUp.keys, io.now())
      : null;
  const exitCode = report(call, setUp, findings, unlockFile);
  try {
    await offerFactor(call, passphrase);
  } catch (error) {
    if (!isWalletError(error) || error.code !== 'cancelled') throw error;
    throw new WalletError('cancelled', 'Cancelled. The wallet is made and stays; no factor was added.', {
      owner: { say: 'Add one later.', action: { kind: 'addFactor', factor: 'passphrase' } },
    });
  }
  return exitCode;
}

/** What a restored phrase holds, in lines; what could not be looked at is said. */
function foundLines(io: CliIo, findings: Findings | null): string[] {
  if (findings === null) return [];
  const { found, silent } = findings;
  const money = found.map(foundLine);
  if (found.some(({ index }) => index > 0))
    money.push(
      `          Key 1 comes back by ${showLine(commandLine('agents add', [{ blank: 'NAME' }]), io)}, key 2 by the next such agent.`,
    );
  if (money.length === 0 && silent.length === 0) money.push('Found     no money at its first addresses');
  return [
    ...money,
    ...(silent.length === 0
      ? []
      : [
          `Not seen  ${silent.join(', ')}: no RPC answers now; look again: ${showLine(commandLine('balance'), io)}`,
        ]),
    ...(found.every(({ payments }) => payments === 0)
      ? []
      : [
          `Counted   what was spent before counts in no limit until: ${showLine(commandLine('ledger rebuild'), io)}`,
        ]),
    '',
  ];
}

function foundLine({ amount, asset, label, address, index, payments }: FoundMoney): string {
  const key = index === 0 ? '' : ` (key ${index}, of a further agent)`;
  const paid =
    payments === null || payments === 0
      ? ''
      : `; it made ${payments} ${payments === 1 ? 'payment' : 'payments'} in the last ${PAID_DAYS} days`;
  return `Found     ${amount} ${asset} on ${label} at ${address}${key}${paid}`;
}

const MADE: Readonly<Record<SetUp['made'], string>> = {
  new: 'A new wallet is ready.',
  restored: 'The wallet is restored from its phrase.',
  imported: 'The wallet is ready with the imported key.',
  finished: 'The wallet is ready: an earlier set-up that was cut off is finished.',
};

function report(
  { io, home, flags }: CommandCall,
  setUp: SetUp,
  findings: Findings | null,
  unlockFile: string | undefined,
): number {
  const { made, keystore, config, address, places } = setUp;
  const message = MADE[made];
  const limits = listKeys(config).filter(({ key }) => /^(limits|ceilings)\./.test(key));
  const fields = {
    message,
    made,
    home,
    keystore,
    testnet: config.testnet,
    address,
    networks: config.networks.enabled,
    addresses: places.map(({ network, address: at }) => ({
      network: network.caip2,
      label: network.label,
      address: at,
    })),
    limits: Object.fromEntries(limits.map(({ key, value }) => [key, value])),
    found: findings?.found ?? null,
    not_looked_at: findings?.silent ?? null,
  };
  const backUp =
    made === 'new' || made === 'finished'
      ? [`Write down its recovery phrase, in a terminal: ${showLine(commandLine('backup'), io)}`, '']
      : [];
  return printReport(io, flags.has('json'), fields, [
    `${message} (${home}, keys in ${keystore === 'file' ? 'an encrypted file' : 'the keychain'})`,
    '',
    ...foundLines(io, findings),
    ...sayPlaces(places).map((place, i) => `${i === 0 ? 'Address ' : '        '}  ${place}`),
    `Fund it   send ${config.testnet ? 'test USDC' : 'USDC'} to ${places.length > 1 ? 'one of these' : 'that address'}; no gas coin is needed`,
    '',
    'What agents may spend without asking (limits) and at all (ceilings), in dollars:',
    ...layPairs(limits.map(({ key, value }) => [`  ${key}`, value])),
    `Change one: ${showLine(commandLine('config set', ['limits.per_day_usd', '3.00']), io)}`,
    '',
    ...backUp,
    ...connectLines(io, keystore, unlockFile === keptPassphraseFile(home) ? { kept: true } : unlockFile),
  ]);
}
