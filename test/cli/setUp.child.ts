import { readFileSync } from 'node:fs';
import { setUpWallet, type SetUpStep } from '../../src/owner/setUp/setUp.js';

/** Makes a wallet and dies by SIGKILL right behind the step named by the last argument. */
const [home = '', passphraseFile = '', dieBehind = ''] = process.argv.slice(2);
const passphrase = async (): Promise<string> => readFileSync(passphraseFile, 'utf8').trim();

void setUpWallet({
  home,
  keystore: 'file',
  testnet: true,
  secret: { kind: 'new' },
  passphrase,
  auth: { passphrase, atTerminal: false },
  now: Date.now,
  observer(step: SetUpStep) {
    if (step === dieBehind) process.kill(process.pid, 'SIGKILL');
  },
});
