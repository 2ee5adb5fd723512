import type { OwnerAction, OwnerStep } from '../../errors/ownerAction.js';
import { commandLine, withFile } from './commandLine.js';
import type { CommandLine } from './shell.js';

/** The command for a step of the owner's, with what they give it where nobody types; null where no command does it. */
export function ownerLine({ action, gives }: OwnerStep): CommandLine | null {
  if (action === undefined) return null;
  const line = lineOf(action);
  return gives === undefined
    ? line
    : withFile(line, gives === 'factor' ? '--factor-file' : '--passphrase-file');
}

function lineOf(action: OwnerAction): CommandLine {
  switch (action.kind) {
    case 'setUp':
      return commandLine('init', [], {
        '--restore-stdin': action.from === 'phrase',
        '--import-key-stdin': action.from === 'key',
        '--keystore': action.keystore,
        '--testnet': action.testnet,
        '--yes': action.unattended,
      });
    case 'restoreWallet':
      return commandLine('init', [], { '--restore-stdin': true });
    case 'setSetting':
      return commandLine('config set', [action.key, action.value]);
    case 'chooseSetting':
      return commandLine('config set', [action.key, { blank: action.example }]);
    case 'addToSetting':
      return commandLine('config add', [action.key, action.entry]);
    case 'removeFromSetting':
      return commandLine('config remove', [action.key, action.entry]);
    case 'addBudget':
    case 'setBudget':
      return commandLine(action.kind === 'addBudget' ? 'budgets add' : 'budgets set', [action.name], {
        '--per-day': action.perDayUsd,
        '--per-month': action.perMonthUsd,
        '--total': action.totalUsd,
        '--until': action.until,
        ...(action.kind === 'addBudget' ? { '--in': action.parent } : {}),
      });
    case 'moveBudget':
      return commandLine('budgets move', action.name === undefined ? [] : [action.name], {
        '--agent': action.agent,
        '--to': action.to ?? 'none',
      });
    case 'removeBudget':
      return commandLine('budgets remove', [action.name]);
    case 'acceptConfig':
      return commandLine('config accept');
    case 'applyPolicy':
      return commandLine('policy apply', [action.file]);
    case 'addFactor':
      return commandLine('factor add', [action.factor], { '--owner': action.owner, '--label': action.label });
    case 'confirmProposal':
      return commandLine('owners confirm', [action.id]);
    case 'setQuorum':
      return commandLine('owners quorum', [String(action.owners)]);
    case 'listFactors':
      return commandLine('factor list');
    case 'removeFactor':
      return commandLine('factor remove', [action.id]);
    case 'unfreeze':
      return commandLine('unfreeze');
    case 'endPause':
      return commandLine('pauses end', [action.place]);
    case 'approve':
      return commandLine('approvals approve', [action.id], {
        '--session-usd': action.sessionUsd,
        '--payee': action.payee,
      });
    case 'addChannel':
      return commandLine('notify add', [action.name ?? { blank: 'NAME' }], {
        '--kind': action.channel ?? { blank: 'KIND' },
      });
    case 'removeChannel':
      return commandLine('notify remove', [action.name]);
    case 'addAdminClient':
      return commandLine('admin add', [action.name ?? { blank: 'NAME' }], {
        '--role': action.role ?? { blank: 'ROLE' },
        '--days': action.days === undefined ? undefined : String(action.days),
      });
    case 'removeAdminClient':
      return commandLine('admin remove', [action.name]);
    case 'openApprovals':
      return commandLine('open');
    case 'fund':
      return commandLine('fund', [], {
        '--agent': action.agent,
        '--network': action.network,
        '--wait': true,
      });
    case 'showAddress':
      return commandLine('address', [], {
        '--agent': action.agent,
        '--network': action.network,
        '--unlock': action.unlocks,
      });
    case 'checkUp':
      return commandLine('doctor', [], { '--unlock': true });
    case 'withdraw':
      return commandLine('withdraw', [], {
        '--to': action.to,
        '--usd': action.usd === 'all' ? undefined : action.usd,
        '--all': action.usd === 'all',
        '--network': action.network,
        '--asset': action.asset,
        '--include-held': action.takesHeld,
        '--off-curve': action.offCurve,
        '--repeat': action.repeats,
        '--agent': action.agent,
      });
    case 'setAllowance':
      return commandLine('allowance set', [action.usd ?? { blank: 'USD' }], {
        '--network': action.network,
        '--asset': action.asset,
        '--agent': action.agent,
      });
    case 'closeChannel':
      return commandLine('channels close', [action.id]);
    case 'cancelCommitment':
      return commandLine('commitments cancel', [action.id]);
    case 'connectLightning':
      return commandLine('lightning connect', [], {
        '--network': action.network,
        '--leave-open': action.leavesOpen,
      });
    case 'countLightning':
      return commandLine('lightning count', [action.id]);
    case 'reconcile':
      return commandLine('reconcile');
    case 'audit':
      return commandLine('audit');
    case 'rebuildLedger':
      return commandLine('ledger rebuild');
    case 'rebaseLedger':
      return commandLine('ledger rebase');
    case 'restoreLedger':
      return commandLine('ledger restore', [action.file]);
    case 'moveLedger':
      return commandLine('ledger move', [], {
        '--to': action.url ?? 'file',
        '--password-file': action.passwordFile,
      });
    case 'listAgents':
      return commandLine('agents list');
    case 'addAgent':
      return commandLine('agents add', [action.name ?? { blank: 'NAME' }], {
        '--template': action.template,
        '--for': action.for,
      });
    case 'resumeAgent':
      return commandLine('agents resume', [action.name]);
    case 'prolongAgent':
      return commandLine('agents prolong', [action.name], { '--for': action.for ?? { blank: '7d' } });
    case 'rotateAgent':
      return commandLine('agents rotate', [action.name]);
    case 'sweepAgent':
      return commandLine('agents sweep', [action.name], {
        '--network': action.network,
        '--include-held': action.takesHeld,
        '--repeat': action.repeats,
      });
    case 'removeAgent':
      return commandLine('agents remove', [action.name]);
    case 'fundAgent':
      return commandLine('agents fund', [action.name], {
        '--usd': action.usd,
        '--network': action.network,
        '--repeat': action.repeats,
      });
    case 'showRecoveryPhrase':
      return commandLine('backup');
    case 'changePassphrase':
      return commandLine('passphrase');
    case 'syncCatalogs':
      return commandLine('catalog sync');
    case 'installClient':
      return commandLine('install', action.clients ?? [], {
        '--keystore': action.keystore,
        '--testnet': action.testnet,
        '--yes': action.unattended,
      });
    case 'uninstallClient':
      return commandLine('uninstall', [action.client]);
    case 'pinClients':
    case 'takeNewest':
      return commandLine('upgrade');
  }
}
