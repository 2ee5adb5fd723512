import type { PrivateKeyAccount } from 'viem/accounts';
import { isWalletError } from '../errors/walletError.js';
import type {
  AllowanceIntent,
  Permit2Intent,
  Permit2RelayIntent,
  Permit2Signatures,
  Permit2WithdrawalIntent,
  RelayIntent,
  SolanaOwnTransferIntent,
  SolanaTransferIntent,
  TempoKeyIntent,
  TempoSubscriptionIntent,
  TempoTransferIntent,
  TransferIntent,
} from '../payment/intent.js';
import type {
  EvmChannelEndIntent,
  EvmDepositIntent,
  EvmVoucherIntent,
  TempoChannelIntent,
  TempoVoucherIntent,
} from '../payment/channelIntent.js';
import type { SignInIntent } from '../payment/signIn.js';
import {
  judgeRenewal,
  openMemory,
  sealMemory,
  type LedgerAnchor,
  type LedgerMemory,
} from './secret/anchor.js';
import { LightningFile } from './store/lightningFile.js';
import { withKeystoreLock } from './store/keystoreLock.js';
import { deriveEvmAccount } from './secret/phrase.js';
import { redactingMembers, type MacPurpose, type WalletKeys, type WalletSecret } from './secret/secret.js';
import type { KeystoreKind, SecretStore } from './store/secretStore.js';
import { signRelayIntent } from './signer/relaySigner.js';
import { signTransferIntent } from './signer/transferSigner.js';
import type { SolanaAccount } from './signer/solanaKey.js';

/** An open wallet: what it can do with its secret, and nothing that gives the secret away but `revealSecret`. */
export interface UnlockedWallet {
  /** Public, stable, derived one-way from the secret: 32 hex digits. */
  readonly walletId: string;
  readonly secretKind: WalletSecret['kind'];
  /** Where the secret and the checkpoint are kept. */
  readonly keystore: KeystoreKind;
  /** The checksummed address of an agent. `bad_input` for an index that an imported key does not have. */
  evmAddress(agentIndex: number): Promise<`0x${string}`>;
  /**
   * Signs one EIP-3009 transfer as an agent and gives the 65-byte signature. Beside {@link signPermit2}, {@link signRelay}, {@link signAllowance},
   * {@link signPermit2Withdrawal}, {@link signWithdrawalRelay}, {@link signTempoTransfer}, {@link signTempoChannel},
   * {@link signTempoVoucher}, {@link signTempoSubscription}, {@link signTempoKey}, {@link signEvmDeposit}, {@link signEvmVoucher},
   * {@link signEvmChannelEnd}, {@link signSolanaTransfer}, {@link signSolanaOwnTransfer} and {@link signIn} there is nothing else it signs (T7).
   *
   * `nowMs` is the instant the intent was built at, or later. Throws `signer_refused`.
   */
  signTransfer(intent: TransferIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /** Makes ready what an agent's first signature on the EVM needs, and signs nothing. */
  warmSigner(agentIndex: number): Promise<void>;
  /** Signs one transfer through Permit2 as an agent, and the permit of exactly its amount where it has one. Throws `signer_refused`. */
  signPermit2(intent: Permit2Intent, agentIndex: number, nowMs: number): Promise<Permit2Signatures>;
  /**
   * Signs the transaction that has the token's contract make a transfer of this agent's own, and gives its bytes.
   * Throws `signer_refused` for any other.
   */
  signRelay(intent: RelayIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /**
   * Signs a transfer through Permit2 that takes the owner's money out, of use to this agent's own address alone. Throws
   * `signer_refused`.
   */
  signPermit2Withdrawal(
    intent: Permit2WithdrawalIntent,
    agentIndex: number,
    nowMs: number,
  ): Promise<`0x${string}`>;
  /** Signs the transaction that has Permit2 make it, and gives its bytes. Throws `signer_refused` for any other. */
  signWithdrawalRelay(intent: Permit2RelayIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /** Signs the transaction by which the owner allows Permit2 so much of an agent's token. Throws `signer_refused`. */
  signAllowance(intent: AllowanceIntent, agentIndex: number): Promise<`0x${string}`>;
  /** Signs one transfer on Tempo as an agent and gives its transaction's bytes. Throws `signer_refused`. */
  signTempoTransfer(intent: TempoTransferIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /** Signs one call of Tempo's reserve for a channel of an agent's own, and gives its transaction's bytes. Throws `signer_refused`. */
  signTempoChannel(intent: TempoChannelIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /** Signs all that a payee may have taken of an agent's channel by then: 65 bytes. Throws `signer_refused`. */
  signTempoVoucher(intent: TempoVoucherIntent, agentIndex: number): Promise<`0x${string}`>;
  /** Signs that a seller's key may take so much of an agent's money in each period: the bytes for the chain. Throws `signer_refused`. */
  signTempoSubscription(
    intent: TempoSubscriptionIntent,
    agentIndex: number,
    nowMs: number,
  ): Promise<`0x${string}`>;
  /** Signs the transaction that ends such a subscription, and gives its bytes. Throws `signer_refused`. */
  signTempoKey(intent: TempoKeyIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /** Signs the one deposit of an agent's channel on the EVM: 65 bytes. Throws `signer_refused`. */
  signEvmDeposit(intent: EvmDepositIntent, agentIndex: number, nowMs: number): Promise<`0x${string}`>;
  /** Signs all that a payee may have taken of an agent's channel on the EVM by then: 65 bytes. Throws `signer_refused`. */
  signEvmVoucher(intent: EvmVoucherIntent, agentIndex: number): Promise<`0x${string}`>;
  /** Signs the transaction that brings back what is left of such a channel, and gives its bytes. Throws `signer_refused`. */
  signEvmChannelEnd(intent: EvmChannelEndIntent, agentIndex: number): Promise<`0x${string}`>;
  /** The address of an agent on Solana, in base58. `bad_input` where the wallet is made of an imported EVM key. */
  solanaAddress(agentIndex: number): Promise<string>;
  /** Signs one transfer on Solana as an agent and gives its transaction in base64. Throws `signer_refused`. */
  signSolanaTransfer(intent: SolanaTransferIntent, agentIndex: number): Promise<string>;
  /**
   * Signs one transfer on Solana that the agent's own address pays the fee of: for money taken out, never for a payment.
   * Throws `signer_refused`.
   */
  signSolanaOwnTransfer(intent: SolanaOwnTransferIntent, agentIndex: number): Promise<string>;
  /**
   * Signs in as an agent to the site that its terms name, which moves no money: a hex signature on the EVM, base58 on
   * Solana. Throws `signer_refused`.
   */
  signIn(intent: SignInIntent, agentIndex: number): Promise<string>;
  /** HMAC-SHA256 under the key of one purpose: 32 bytes. Compare with `timingSafeEqual`. */
  mac(purpose: MacPurpose, data: string | Uint8Array): Uint8Array;
  /** Encrypts what a seller takes a purchase by, for one place of it: these keys alone open it, for that place alone (T38). */
  seal(place: string, text: string): Uint8Array;
  /** Opens what {@link seal} gave for this place; null where it is another's, was changed, or is of other keys. */
  unseal(place: string, sealed: Uint8Array): string | null;
  /** How the owner's Lightning wallet is reached: a secret, sealed by the wallet's keys. */
  readonly lightning: Pick<LightningFile, 'read' | 'write' | 'stop' | 'stoppedBy'>;
  /**
   * The ledger's checkpoint; null where none was ever written.
   *
   * Throws `keystore_unreadable` where it was deleted or changed: that is no fresh start (T29).
   */
  readAnchor(): Promise<LedgerAnchor | null>;
  /**
   * Renews the checkpoint, atomically and safely beside other processes. One that is not later than the kept one
   * changes nothing.
   *
   * Throws `ledger_foreign` for another ledger and `ledger_damaged` for another head of the same number, and what
   * `continues` throws.
   */
  writeAnchor(next: LedgerAnchor, why: RenewalProof): Promise<void>;
  /**
   * The factors that prove the owner, as JSON, remembered here so that a ledger which is lost or old takes none of
   * them away. Throws `keystore_unreadable` as {@link readAnchor} does.
   */
  readFactors(): Promise<readonly string[]>;
  /**
   * Remembers the factors that `change` makes of those that are kept, and no others; no other process changes them between the
   * two. Throws `bad_input` unless `fitsMemory`, `keystore_unreadable`.
   */
  changeFactors(
    change: (kept: readonly string[]) => readonly string[] | Promise<readonly string[]>,
  ): Promise<void>;
  /** The secret itself, for its owner's backup alone; it prints as `[redacted]`. */
  revealSecret(): WalletSecret;
}

/**
 * Why a checkpoint may take the place of the kept one: the ledger `continues` from it, which rejects where it does not; or
 * the owner has rebuilt the ledger, and whatever was kept is replaced. Without it an older copy of the ledger, written to
 * until it has as many entries, would be remembered in place of the real one (T29).
 */
export type RenewalProof = { readonly continues: (kept: LedgerAnchor) => Promise<void> } | 'rebuilt';

const NOTHING: LedgerMemory = { anchor: null, factors: [] };

/** Opens a wallet over a secret that a store keeps. */
export function openWallet(
  home: string,
  store: SecretStore,
  secret: WalletSecret,
  keys: WalletKeys,
): UnlockedWallet {
  const accounts = new Map<number, Promise<PrivateKeyAccount>>();
  const accountOf = async (agentIndex: number): Promise<PrivateKeyAccount> => {
    const known = accounts.get(agentIndex);
    if (known !== undefined) return await known;
    const derived = deriveEvmAccount(secret, agentIndex);
    accounts.set(agentIndex, derived);
    derived.catch(() => accounts.delete(agentIndex));
    return await derived;
  };
  const readMemory = async (): Promise<LedgerMemory> => openMemory(await store.readAnchor(), keys);
  /** `change` gives what is to be kept from now on, or null to leave it. */
  const changeMemory = async (
    replacesUnreadable: boolean,
    change: (kept: LedgerMemory) => LedgerMemory | null | Promise<LedgerMemory | null>,
  ): Promise<void> => {
    await withKeystoreLock(home, async (lock) => {
      const kept = await readMemory().catch((error: unknown) => {
        if (replacesUnreadable && isWalletError(error) && error.code === 'keystore_unreadable')
          return NOTHING;
        throw error;
      });
      const next = await change(kept);
      if (next === null) return;
      const sealed = sealMemory(next, keys);
      await lock.assertHeld();
      await store.writeAnchor(sealed);
    });
  };
  const solanaAccounts = new Map<number, Promise<SolanaAccount>>();
  const solanaAccountOf = async (agentIndex: number): Promise<SolanaAccount> => {
    const known = solanaAccounts.get(agentIndex);
    if (known !== undefined) return await known;
    const derived = import('./signer/solanaKey.js').then(({ deriveSolanaAccount }) =>
      deriveSolanaAccount(secret, agentIndex),
    );
    solanaAccounts.set(agentIndex, derived);
    derived.catch(() => solanaAccounts.delete(agentIndex));
    return await derived;
  };
  const members: UnlockedWallet = {
    walletId: keys.walletId,
    secretKind: secret.kind,
    keystore: store.kind,
    evmAddress: async (agentIndex) => (await accountOf(agentIndex)).address,
    warmSigner: async (agentIndex) => {
      const { isOwnSignature } = await import('./signer/ownSignature.js');
      // It is nobody's: what is wanted are the tables by which a signature is made and checked.
      isOwnSignature(await accountOf(agentIndex), `0x${'01'.repeat(32)}`, `0x${'01'.repeat(64)}1b`);
    },
    signTransfer: async (intent, agentIndex, nowMs) =>
      await signTransferIntent(intent, await accountOf(agentIndex), nowMs),
    signPermit2: async (intent, agentIndex, nowMs) => {
      const { signPermit2Intent } = await import('./signer/permit2Signer.js');
      return signPermit2Intent(intent, await accountOf(agentIndex), nowMs);
    },
    signRelay: async (intent, agentIndex, nowMs) =>
      await signRelayIntent(intent, await accountOf(agentIndex), nowMs),
    signPermit2Withdrawal: async (intent, agentIndex, nowMs) => {
      const { signPermit2Withdrawal } = await import('./signer/permit2WithdrawalSigner.js');
      return signPermit2Withdrawal(intent, await accountOf(agentIndex), nowMs);
    },
    signWithdrawalRelay: async (intent, agentIndex, nowMs) => {
      const { signWithdrawalRelay } = await import('./signer/permit2WithdrawalSigner.js');
      return signWithdrawalRelay(intent, await accountOf(agentIndex), nowMs);
    },
    signAllowance: async (intent, agentIndex) => {
      const { signAllowanceIntent } = await import('./signer/allowanceSigner.js');
      return signAllowanceIntent(intent, await accountOf(agentIndex));
    },
    signTempoTransfer: async (intent, agentIndex, nowMs) => {
      const { signTempoTransfer } = await import('./signer/tempoSigner.js');
      return signTempoTransfer(intent, await accountOf(agentIndex), nowMs);
    },
    signTempoChannel: async (intent, agentIndex, nowMs) => {
      const { signTempoChannel } = await import('./signer/channelSigner.js');
      return signTempoChannel(intent, await accountOf(agentIndex), nowMs);
    },
    signTempoVoucher: async (intent, agentIndex) => {
      const { signTempoVoucher } = await import('./signer/channelSigner.js');
      return signTempoVoucher(intent, await accountOf(agentIndex));
    },
    signTempoSubscription: async (intent, agentIndex, nowMs) => {
      const { signTempoSubscription } = await import('./signer/subscriptionSigner.js');
      return signTempoSubscription(intent, await accountOf(agentIndex), nowMs);
    },
    signTempoKey: async (intent, agentIndex, nowMs) => {
      const { signTempoKey } = await import('./signer/subscriptionSigner.js');
      return signTempoKey(intent, await accountOf(agentIndex), nowMs);
    },
    signEvmDeposit: async (intent, agentIndex, nowMs) => {
      const { signEvmDeposit } = await import('./signer/evmChannelSigner.js');
      return signEvmDeposit(intent, await accountOf(agentIndex), nowMs);
    },
    signEvmVoucher: async (intent, agentIndex) => {
      const { signEvmVoucher } = await import('./signer/evmChannelSigner.js');
      return signEvmVoucher(intent, await accountOf(agentIndex));
    },
    signEvmChannelEnd: async (intent, agentIndex) => {
      const { signEvmChannelEnd } = await import('./signer/evmChannelSigner.js');
      return signEvmChannelEnd(intent, await accountOf(agentIndex));
    },
    solanaAddress: async (agentIndex) => (await solanaAccountOf(agentIndex)).address,
    signSolanaTransfer: async (intent, agentIndex) => {
      const { signSolanaTransfer } = await import('./signer/solanaSigner.js');
      return signSolanaTransfer(intent, await solanaAccountOf(agentIndex));
    },
    signSolanaOwnTransfer: async (intent, agentIndex) => {
      const { signSolanaOwnTransfer } = await import('./signer/solanaOwnSigner.js');
      return signSolanaOwnTransfer(intent, await solanaAccountOf(agentIndex));
    },
    signIn: async (intent, agentIndex) => {
      const { signInOnEvm, signInOnSolana } = await import('./signer/signInSigner.js');
      return intent.network.family === 'svm'
        ? signInOnSolana(intent, await solanaAccountOf(agentIndex))
        : signInOnEvm(intent, await accountOf(agentIndex));
    },
    mac: (purpose, data) => keys.mac(purpose, data),
    seal: (place, text) => keys.seal(place, text),
    unseal: (place, sealed) => keys.open(place, sealed),
    lightning: new LightningFile(home, keys),
    readAnchor: async () => (await readMemory()).anchor,
    writeAnchor: async (next, why) => {
      await changeMemory(why === 'rebuilt', async (kept) => {
        if (why !== 'rebuilt') {
          if (judgeRenewal(kept.anchor, next) === 'keep') return null;
          if (kept.anchor !== null) await why.continues(kept.anchor);
        }
        return { ...kept, anchor: next };
      });
    },
    readFactors: async () => (await readMemory()).factors,
    changeFactors: async (change) => {
      await changeMemory(false, async (kept) => ({ ...kept, factors: await change(kept.factors) }));
    },
    revealSecret: () => secret,
  };
  return Object.freeze(Object.defineProperties(members, redactingMembers));
}
