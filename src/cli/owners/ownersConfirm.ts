import { assertInvariant, WalletError } from '../../errors/walletError.js';
import { actionOf, findProposal } from '../../owner/owners.js';
import type { CommandCall } from '../command.js';
import { ownerLine } from '../line/ownerLine.js';
import { printLines } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { proposalLines } from './proposals.js';

/**
 * Runs the command that does what was proposed: it looks at the wallet as it is now and asks for the factor over what it
 * shows, and what is not the very thing that was proposed is refused.
 */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags, commands } = call;
  const proposal = await findProposal(ownerOptions(call), args[0] ?? '');
  const action = actionOf(proposal);
  const line = action === null ? null : ownerLine({ say: '', action });
  if (line === null)
    throw new WalletError('bad_input', 'No command does this: do the same on the owner’s page.');
  if (!flags.has('json')) printLines(io.stderr, proposalLines(proposal, call));
  if (action?.kind === 'addChannel')
    throw new WalletError(
      'bad_input',
      'A proposal holds no secret and not all of a channel: give the command that was given first.',
    );
  const words = line.filter((word) => typeof word === 'string');
  if (words.length < line.length)
    throw new WalletError(
      'bad_input',
      'Part of this is the owner’s to fill in: do the same as was done first.',
    );
  const row = commands.find(({ name }) => words.slice(0, name.split(' ').length).join(' ') === name);
  const takes = (flag: string): boolean => row?.flags?.some((one) => one.flags.startsWith(flag)) === true;
  const factorFlag = takes('--current-factor-file') ? '--current-factor-file' : '--factor-file';
  const factorFile = flags.text('factorFile');
  const newFactorFile = flags.text('newFactorFile');
  const newPassphraseFile = flags.text('newPassphraseFile');
  const passphraseFile = flags.text('passphraseFile');
  const argv = [
    ...words,
    ...(factorFile !== undefined && takes(factorFlag) ? [factorFlag, factorFile] : []),
    ...(newFactorFile !== undefined && takes('--current-factor-file')
      ? ['--factor-file', newFactorFile]
      : []),
    ...(newPassphraseFile !== undefined && takes('--new-passphrase-file')
      ? ['--new-passphrase-file', newPassphraseFile]
      : []),
    ...(passphraseFile !== undefined && takes('--passphrase-file')
      ? ['--passphrase-file', passphraseFile]
      : []),
    ...(flags.has('yes') && takes('--yes') ? ['--yes'] : []),
    ...(flags.has('json') && takes('--json') ? ['--json'] : []),
  ];
  assertInvariant(call.confirm !== undefined, 'a command line was run');
  return call.confirm(argv, proposal.id);
}
