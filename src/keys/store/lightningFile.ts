import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { hasErrno, replaceFile, syncFolder } from '../../platform/durableFile.js';
import { isJsonObject, parseJson, statedText } from '../../text/json.js';
import type { WalletKeys } from '../secret/secret.js';

const FILE = 'lightning.sealed';
/** Its being there stops the wallet that it names. */
const STOP_FILE = 'lightning-stopped.json';
/** What it is sealed for: it opens in no other place. */
const PLACE = 'lightning connection';
const OWNER_ONLY = 0o600;

/** How the owner's Lightning wallet is reached: whoever reads that spends from it, so it is sealed by the wallet's own keys. */
export class LightningFile {
  readonly #path: string;
  readonly #home: string;
  readonly #keys: WalletKeys;

  constructor(home: string, keys: WalletKeys) {
    this.#home = home;
    this.#path = join(home, FILE);
    this.#keys = keys;
  }

  /** The connection as it was written; null where none is kept. Throws `keystore_unreadable`, `home_unusable`. */
  read(): string | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return null;
      throw new WalletError('home_unusable', `${this.#path} cannot be read.`, { cause: error });
    }
    const opened = this.#keys.open(PLACE, Buffer.from(text, 'base64'));
    if (opened !== null) return opened;
    throw new WalletError(
      'keystore_unreadable',
      'What is kept of the Lightning wallet was changed or is another wallet’s.',
      {
        owner: { say: 'Connect the Lightning wallet again.', action: { kind: 'connectLightning' } },
      },
    );
  }

  /**
   * Marks a wallet as one that is asked for nothing more, by the payment that showed why. It stands beside the ledger, as the
   * mark of a freeze does.
   */
  async stop(walletId: string, paymentId: string): Promise<void> {
    const text = `${JSON.stringify({ wallet: walletId, payment: paymentId })}\n`;
    await replaceFile(join(this.#home, STOP_FILE), text, { mode: OWNER_ONLY });
  }

  /** The payment that stopped a wallet, empty where a mark does not say; null where there is none of that wallet. */
  stoppedBy(walletId: string): string | null {
    let text: string;
    try {
      text = readFileSync(join(this.#home, STOP_FILE), 'utf8');
    } catch (error) {
      // What cannot be read may be a mark.
      return hasErrno(error, 'ENOENT') ? null : '';
    }
    const mark = parseJson(text);
    if (!isJsonObject(mark)) return '';
    return statedText(mark, 'wallet') === walletId ? (statedText(mark, 'payment') ?? '') : null;
  }

  /**
   * Keeps a connection in the place of the one before; null forgets it. Durable before it returns. It is the owner's act, and
   * lifts the mark that stopped the wallet before.
   */
  async write(text: string | null): Promise<void> {
    if (text === null) {
      rmSync(this.#path, { force: true });
      this.#liftStop();
      return;
    }
    const sealed = Buffer.from(this.#keys.seal(PLACE, text)).toString('base64');
    await replaceFile(this.#path, sealed, { mode: OWNER_ONLY });
    this.#liftStop();
  }

  #liftStop(): void {
    rmSync(join(this.#home, STOP_FILE), { force: true });
    syncFolder(this.#home);
  }
}
