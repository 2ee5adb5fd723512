import { FIRST_OWNER, type FactorName } from '../../approvals/factor.js';
import { factorLine } from '../../approvals/passkey.js';
import { WalletError } from '../../errors/walletError.js';
import { addPasskey, addPassphrase } from '../../owner/auth/ownerFactors.js';
import { openLedger } from '../../wallet/engine.js';
import { unlockAsAnyone, type OwnerOptions } from '../../owner/auth/ownerAuth.js';
import type { CommandCall } from '../command.js';
import { openPage } from './ownerPage.js';
import { newFactorPassphrase } from '../setUp/passphrase.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Adds an owner passphrase or a passkey. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [kind] = args;
  if (kind !== 'passphrase' && kind !== 'passkey')
    throw new WalletError('bad_input', 'A factor is a passphrase or a passkey.');
  const options = ownerOptions(call, 'currentFactorFile');
  const name = { label: flags.text('label'), owner: flags.text('owner') };
  const added =
    kind === 'passphrase'
      ? await addPassphrase(options, () => newFactorPassphrase(io, flags.text('factorFile')), name)
      : await enrolPasskey(call, options, name);
  const whose = added.owner === FIRST_OWNER ? 'you are the owner' : `${added.owner} is an owner`;
  const message = `Added ${added.label}: it proves that ${whose}, to say yes and to loosen limits.`;
  const fields = { message, factor_id: added.id, kind: added.kind, label: added.label, owner: added.owner };
  return printReport(io, flags.has('json'), fields, [message]);
}

/** Opens the page on which a passkey is made, and waits for it. Throws `cancelled` where none was. */
export async function enrolPasskey(call: CommandCall, options: OwnerOptions, name: FactorName) {
  const added = await addPasskey(options, name, async (enrolment) => {
    const keys = await unlockAsAnyone(options);
    const ledger = await openLedger(options, keys);
    const page = await openPage(call, { home: options.home, ledger, keys }, '/passkey', { enrolment });
    const stop = (): void => enrolment.close();
    process.once('SIGINT', stop);
    void enrolment.done.finally(() => {
      process.off('SIGINT', stop);
      void page.close().finally(() => ledger.close());
    });
  });
  if (added === null) throw new WalletError('cancelled', 'No passkey was added.');
  return factorLine(added);
}
