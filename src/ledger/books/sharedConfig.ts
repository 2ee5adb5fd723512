/** A config.json as all servers of a fleet are to have it. */
export interface SharedConfig {
  readonly version: number;
  /** The whole file, with its authentication code. */
  readonly text: string;
}

/**
 * The newest config of a wallet whose ledger many servers share. The journal says which one it is, by version and digest;
 * its text is sealed by the keys of the wallet, so that whoever has the database alone can neither read it nor make another.
 */
export interface SharedConfigBook {
  /** The config of the version that the ledger knows, or null where it was never kept, or is not the one that was agreed on. */
  newest(): Promise<SharedConfig | null>;
  /**
   * Keeps a config and makes it the newest. False where the ledger knows that version of another one, or a later version:
   * then nothing was changed.
   */
  put(config: SharedConfig, nowMs: number): Promise<boolean>;
}
