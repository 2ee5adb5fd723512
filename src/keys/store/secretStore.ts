/** Where a wallet's secret is kept. */
export type KeystoreKind = 'keychain' | 'file';

/** A secret's text as a store gives it back, with the id its folder's record says it has. */
export interface StoredSecret {
  readonly text: string;
  /** Undefined where the record is not there (a keychain outlives a deleted folder). */
  readonly walletId: string | undefined;
}

/** Two entries, a secret and a checkpoint, in one place. The caller writes while it holds the keystore's lock. */
export interface SecretStore {
  readonly kind: KeystoreKind;
  /** Throws where the store cannot tell. */
  presence(): Promise<'present' | 'absent'>;
  /**
   * Gets what a person has to give (a passphrase) before the lock is taken. The function it answers with is called
   * under the lock, after `presence` said `absent`.
   */
  prepareSecretWrite(): Promise<SecretWrite>;
  /** Null only where the store itself says that nothing is there. */
  readSecret(): Promise<StoredSecret | null>;
  readAnchor(): Promise<string | null>;
  writeAnchor(text: string): Promise<void>;
}

/** Writes a secret's text durably, and reads it back before it returns. */
export type SecretWrite = (text: string, walletId: string) => Promise<void>;
