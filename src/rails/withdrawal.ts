import type { OwnerStep } from '../errors/ownerAction.js';
import type { SignedPayload } from '../ledger/attempts/transition.js';
import type { AnySettlementQuery } from '../chain/chain.js';
import type { Withdrawal } from '../ledger/attempts/withdrawal.js';
import type { Asset } from '../money/asset.js';
import type { Network } from '../money/network.js';
import type { RailPorts } from './ports.js';
import type { AtomicAmount } from '../money/unit.js';

/** Money to be moved to an address of the owner's. */
export interface Transfer {
  readonly network: Network;
  readonly asset: Asset;
  readonly from: string;
  readonly to: string;
  readonly amountAtomic: AtomicAmount;
}

/** Somebody else's gas. */
export interface FacilitatorMethod {
  readonly kind: 'facilitator';
  readonly url: string;
  readonly version: 1 | 2;
  /** The key it pays fees by on Solana; null on the EVM. */
  readonly feePayer: string | null;
}

/** Gas out of the address itself. */
export interface OwnGasMethod {
  readonly kind: 'own_gas';
  /** About what it costs, in the network's coin. */
  readonly feeText: string;
  /** Whether it also makes the payee's token account, on Solana. */
  readonly createsAccount?: boolean;
}

/** One way to have a signed transfer carried out. */
export type WithdrawalMethod = FacilitatorMethod | OwnGasMethod;

/** The ways there are now, the one to try first in front; and why those that are missing are. */
export interface WithdrawalMethods {
  readonly methods: readonly WithdrawalMethod[];
  /** One sentence each: what the owner may want to mend. */
  readonly reasons: readonly string[];
  /** What the owner has to do before there is one, where that is known. */
  readonly owner?: OwnerStep;
}

/** What came of handing a signed transfer over. Whoever took it makes a claim; the chain decides. */
export type Submission =
  | { readonly kind: 'taken'; readonly tx: string | null; readonly message: string }
  /** It was said not to be settled; what was signed stays good until it expires. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'silent'; readonly message: string };

/** The columns of a row that are the family's own. */
export type Draft = Pick<Withdrawal, 'scheme' | 'nonce' | 'validAfterSec' | 'validBeforeSec'>;

/** A transfer that is ready but for its signature. */
export interface Drafted {
  readonly columns: Draft;
  /** Signs a row of these columns and no other. Throws `signer_refused`. */
  sign(row: Withdrawal): Promise<SignedPayload>;
}

/** How one family of networks moves the owner's money out. */
export interface WithdrawalRail {
  /** An address as this family writes it; undefined for text that is none, a wrong checksum too. */
  readAddress(text: string): string | undefined;
  /**
   * Why money must not go to an address: a clause that follows its name, or null. `isExplicit`: the owner knows that it
   * has no key. Throws `rpc_unavailable` where the chain has to be asked.
   */
  refuseRecipient(
    ports: RailPorts,
    route: Omit<Transfer, 'amountAtomic'>,
    isExplicit: boolean,
    signal: AbortSignal,
  ): Promise<string | null>;
  /** Looks which ways are open; signs nothing, never throws for a way that is not. */
  methodsFor(ports: RailPorts, transfer: Transfer, signal: AbortSignal): Promise<WithdrawalMethods>;
  /** The ways that are left for what is signed already; as {@link methodsFor} in all else. */
  methodsLeft(
    ports: RailPorts,
    row: Withdrawal,
    transfer: Transfer,
    signal: AbortSignal,
  ): Promise<WithdrawalMethods>;
  /** Prepares a transfer by the first of its ways; what is then signed lives for minutes. Throws `rpc_unavailable`. */
  draft(ports: RailPorts, transfer: Transfer & WithdrawalMethods, signal: AbortSignal): Promise<Drafted>;
  /** What to ask the chain about a withdrawal; null where nothing was signed that it could show. */
  settlementQuery(row: Withdrawal): Promise<AnySettlementQuery | null>;
  /** Hands what was signed over, once. Throws nothing that leaves open whether it left. */
  submit(ports: RailPorts, row: Withdrawal, way: WithdrawalMethod, signal: AbortSignal): Promise<Submission>;
}

/** How one kind of token of the EVM leaves; to whom is the same for all of them. */
export type EvmWithdrawal = Omit<WithdrawalRail, 'readAddress' | 'refuseRecipient'>;
