import type { OwnerAction, OwnerStep } from '../../errors/ownerAction.js';
import type { CommandLine, Word } from './shell.js';

const FILE: Word = { blank: 'FILE' };

/** The command for a step of the owner's, with what they give it where nobody types; empty where no command does it. */
export function ownerLine({ action, gives }: OwnerStep): CommandLine {
  if (action === undefined) return [];
  const line = lineOf(action);
  if (gives === undefined) return line;
  return [...line, gives === 'factor' ? '--factor-file' : '--passphrase-file', FILE];
}

function lineOf(action: OwnerAction): CommandLine {
  switch (action.kind) {
    case 'setUp':
      return [
        'init',
        ...setUpFlags(action),
        ...(action.from === undefined
          ? []
          : [action.from === 'key' ? '--import-key-stdin' : '--restore-stdin']),
      ];
    case 'restoreWallet':
      return ['init', '--restore-stdin'];
    case 'setSetting':
      return ['config', 'set', action.key, action.value];
    case 'chooseSetting':
      return ['config', 'set', action.key, { blank: action.example }];
    case 'addToSetting':
      return ['config', 'add', action.key, action.entry];
    case 'removeFromSetting':
      return ['config', 'remove', action.key, action.entry];
    case 'acceptConfig':
      return ['config', 'accept'];
    case 'addFactor':
      return ['factor', 'add', action.factor];
    case 'listFactors':
      return ['factor', 'list'];
    case 'removeFactor':
      return ['factor', 'remove', action.id];
    case 'unfreeze':
      return ['unfreeze'];
    case 'endPause':
      return ['pauses', 'end', action.place];
    case 'approve':
      return ['approvals', 'approve', action.id];
    case 'openApprovals':
      return ['open'];
    case 'fund':
      return ['fund', ...flag('--agent', action.agent), ...flag('--network', action.network), '--wait'];
    case 'showAddress':
      return ['address', ...flag('--agent', action.agent), ...flag('--network', action.network)];
    case 'withdraw': {
      const amount = action.usd === 'all' ? ['--all'] : ['--usd', action.usd];
      return ['withdraw', '--to', action.to, ...amount, ...flag('--network', action.network)];
    }
    case 'reconcile':
      return ['reconcile'];
    case 'audit':
      return ['audit'];
    case 'rebuildLedger':
      return ['ledger', 'rebuild'];
    case 'restoreLedger':
      return ['ledger', 'restore', action.file];
    case 'listAgents':
      return ['agents', 'list'];
    case 'addAgent':
      return ['agents', 'add', action.name];
    case 'resumeAgent':
      return ['agents', 'resume', action.name];
    case 'rotateAgent':
      return ['agents', 'rotate', action.name];
    case 'sweepAgent':
      return ['agents', 'sweep', action.name];
    case 'removeAgent':
      return ['agents', 'remove', action.name];
    case 'fundAgent':
      return ['agents', 'fund', action.name, '--usd', action.usd];
    case 'showRecoveryPhrase':
      return ['backup'];
    case 'syncCatalogs':
      return ['catalog', 'sync'];
    case 'installClient':
      return ['install', ...(action.clients ?? []), ...setUpFlags(action)];
    case 'uninstallClient':
      return ['uninstall', action.client];
    case 'pinClients':
    case 'takeNewest':
      return ['upgrade'];
  }
}

function setUpFlags(action: Extract<OwnerAction, { kind: 'setUp' | 'installClient' }>): readonly string[] {
  return [
    ...flag('--keystore', action.keystore),
    ...(action.testnet === true ? ['--testnet'] : []),
    ...(action.unattended === true ? ['--yes'] : []),
  ];
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [name, value];
}
