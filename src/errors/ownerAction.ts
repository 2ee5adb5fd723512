/**
 * Something that only the owner can do, as data. What stands below a face suggests it; a face words it, through the CLI's
 * own table, for whoever reads it there. Every kind has a command, and a test runs each of them.
 */
export type OwnerAction =
  | SetUpAction
  /** Brings a wallet back from its recovery phrase. */
  | { readonly kind: 'restoreWallet' }
  | { readonly kind: 'setSetting'; readonly key: string; readonly value: string }
  /** The owner picks the value. */
  | { readonly kind: 'chooseSetting'; readonly key: string; readonly example: 'URL' | 'USD' | 'VALUE' }
  | { readonly kind: 'addToSetting'; readonly key: string; readonly entry: string }
  | { readonly kind: 'removeFromSetting'; readonly key: string; readonly entry: string }
  /** Makes a budget of the owner's, or changes one: what is named is set, and the rest stays. */
  | BudgetAction
  /** Moves a budget, or an agent, into a budget; out of all where none is given. */
  | {
      readonly kind: 'moveBudget';
      readonly name?: string;
      readonly agent?: string;
      readonly to?: string;
    }
  | { readonly kind: 'removeBudget'; readonly name: string }
  | { readonly kind: 'acceptConfig' }
  | { readonly kind: 'applyPolicy'; readonly file: string }
  | {
      readonly kind: 'addFactor';
      readonly factor: 'passphrase' | 'passkey';
      readonly owner?: string;
      readonly label?: string;
    }
  /** Has a second owner say yes to what one proposed. */
  | { readonly kind: 'confirmProposal'; readonly id: string }
  /** How many owners a loosening needs. */
  | { readonly kind: 'setQuorum'; readonly owners: number }
  | { readonly kind: 'listFactors' }
  | { readonly kind: 'removeFactor'; readonly id: string }
  | { readonly kind: 'unfreeze' }
  /** `place` is a host, or a host and a port. */
  | { readonly kind: 'endPause'; readonly place: string }
  | {
      readonly kind: 'approve';
      readonly id: string;
      readonly sessionUsd?: string;
      readonly payee?: boolean;
    }
  /** Sends money to an agent's address, and waits for it; the first agent's unless named. */
  | { readonly kind: 'fund'; readonly agent?: string; readonly network?: string }
  /** `unlocks`: with the keys, which prove it. */
  | {
      readonly kind: 'showAddress';
      readonly network?: string;
      readonly agent?: string;
      readonly unlocks?: boolean;
    }
  /** The doctor, with the keys. */
  | { readonly kind: 'checkUp' }
  | {
      readonly kind: 'withdraw';
      readonly to: string;
      readonly usd: string | 'all';
      readonly network?: string;
      readonly asset?: string;
      readonly agent?: string;
      readonly takesHeld?: boolean;
      readonly offCurve?: boolean;
      readonly repeats?: boolean;
    }
  /** Lets Permit2 move so much of a token, nothing for 0; the owner picks the amount where none is given. */
  | {
      readonly kind: 'setAllowance';
      readonly network?: string;
      readonly asset?: string;
      readonly usd?: string;
      readonly agent?: string;
    }
  /** Tells Purser the Lightning wallet to pay from; the owner pastes its connection string. */
  | { readonly kind: 'connectLightning'; readonly network?: string; readonly leavesOpen?: boolean }
  /** Counts an open payment by Lightning as paid, whose wallet cannot tell its end. */
  | { readonly kind: 'countLightning'; readonly id: string }
  | { readonly kind: 'closeChannel'; readonly id: string }
  | { readonly kind: 'cancelCommitment'; readonly id: string }
  | { readonly kind: 'reconcile' }
  | { readonly kind: 'audit' }
  | { readonly kind: 'rebuildLedger' }
  | { readonly kind: 'rebaseLedger' }
  | { readonly kind: 'restoreLedger'; readonly file: string }
  /** To a database by its address, or into a file of the wallet's folder where none is given. */
  | { readonly kind: 'moveLedger'; readonly url?: string; readonly passwordFile?: string }
  | { readonly kind: 'listAgents' }
  /** The owner picks the name where none is given. */
  | { readonly kind: 'addAgent'; readonly name?: string; readonly template?: string; readonly for?: string }
  | { readonly kind: 'resumeAgent'; readonly name: string }
  /** For how long more is the owner's to say. */
  | { readonly kind: 'prolongAgent'; readonly name: string; readonly for?: string }
  | { readonly kind: 'rotateAgent'; readonly name: string }
  | {
      readonly kind: 'sweepAgent';
      readonly name: string;
      readonly network?: string;
      readonly takesHeld?: boolean;
      readonly repeats?: boolean;
    }
  | { readonly kind: 'removeAgent'; readonly name: string }
  | {
      readonly kind: 'fundAgent';
      readonly name: string;
      readonly usd: string;
      readonly network?: string;
      readonly repeats?: boolean;
    }
  | { readonly kind: 'showRecoveryPhrase' }
  /** The passphrase that opens an encrypted keystore; the owner gives the new one. */
  | { readonly kind: 'changePassphrase' }
  | { readonly kind: 'syncCatalogs' }
  /** Writes this wallet's entry into one MCP client, or into those that the owner picks. */
  | InstallAction
  | { readonly kind: 'uninstallClient'; readonly client: string }
  /** Adds a channel that notices are sent by; the owner picks its name and what it is where none is given. */
  | { readonly kind: 'addChannel'; readonly name?: string; readonly channel?: string }
  | { readonly kind: 'removeChannel'; readonly name: string }
  /** Makes a client of the admin API; the owner picks its name and its role where none is given. */
  | {
      readonly kind: 'addAdminClient';
      readonly name?: string;
      readonly role?: string;
      readonly days?: number;
    }
  | { readonly kind: 'removeAdminClient'; readonly name: string }
  | { readonly kind: 'openApprovals' }
  /** Makes the clients start the Purser that says so, or the newest. */
  | { readonly kind: 'pinClients' }
  | { readonly kind: 'takeNewest' };

/** Makes a wallet, or ends what an earlier run began. */
interface SetUpAction {
  readonly kind: 'setUp';
  readonly keystore?: 'file';
  readonly testnet?: boolean;
  /** What the wallet is made from, if it is no new one. */
  readonly from?: 'phrase' | 'key';
  /** Asks nothing. */
  readonly unattended?: boolean;
}

/** Amounts in dollars as text, `none` to take one away. */
export interface BudgetAction {
  readonly kind: 'addBudget' | 'setBudget';
  readonly name: string;
  readonly perDayUsd?: string | undefined;
  readonly perMonthUsd?: string | undefined;
  readonly totalUsd?: string | undefined;
  readonly until?: string | undefined;
  readonly parent?: string | undefined;
}

interface InstallAction extends Pick<SetUpAction, 'keystore' | 'testnet' | 'unattended'> {
  readonly kind: 'installClient';
  readonly clients?: readonly string[];
}

/** What only the person who owns the money can do about a result. */
export interface OwnerStep {
  /** One sentence to pass on to the owner. It names no command. */
  readonly say: string;
  readonly action?: OwnerAction;
  /** What the owner must give with the action where nobody types: their factor, or what unlocks the keystore. */
  readonly gives?: 'factor' | 'unlockPassphrase';
}
