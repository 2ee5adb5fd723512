import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import { hasErrno, replaceFile } from '../../platform/durableFile.js';
import { isJsonObject, parseJson, statedText, type JsonObject } from '../../text/json.js';

const FILE = 'channels.sealed.json';
const OWNER_ONLY = 0o600;

/**
 * What is secret of the owner's channels, each sealed by the keys of the wallet for that channel alone: a token, a password,
 * the path of a webhook, the key of signatures.
 */
export class ChannelSecrets {
  readonly #path: string;
  readonly #keys: Pick<UnlockedWallet, 'seal' | 'unseal'>;

  constructor(home: string, keys: Pick<UnlockedWallet, 'seal' | 'unseal'>) {
    this.#path = join(home, FILE);
    this.#keys = keys;
  }

  /** The secret of a channel; null where none is kept. Throws `keystore_unreadable` where it was changed. */
  read(channel: string): string | null {
    const sealed = statedText(this.#all(), channel);
    if (sealed === undefined) return null;
    const opened = this.#keys.unseal(placeOf(channel), Buffer.from(sealed, 'base64'));
    if (opened !== null) return opened;
    throw new WalletError(
      'keystore_unreadable',
      `What is kept of the channel ${channel} was changed or is another wallet’s: add it again.`,
    );
  }

  /** Keeps the secret of a channel in the place of the one before; null forgets it. Durable before it returns. */
  async write(channel: string, secret: string | null): Promise<void> {
    const { [channel]: _before, ...rest } = this.#all();
    const sealed =
      secret === null
        ? {}
        : { [channel]: Buffer.from(this.#keys.seal(placeOf(channel), secret)).toString('base64') };
    await replaceFile(this.#path, `${JSON.stringify({ ...rest, ...sealed })}\n`, { mode: OWNER_ONLY });
  }

  #all(): JsonObject {
    try {
      const json = parseJson(readFileSync(this.#path, 'utf8'));
      return isJsonObject(json) ? json : {};
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return {};
      throw new WalletError('home_unusable', `${this.#path} cannot be read.`, { cause: error });
    }
  }
}

/** It opens for no other channel. */
function placeOf(channel: string): string {
  return `notice channel ${channel}`;
}
