import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { EvmAsset, LightningAsset, SvmAsset, TempoAsset } from '../../money/asset.js';
import type { EvmNetwork, LightningNetwork, SvmNetwork, TempoNetwork } from '../../money/network.js';
import type { Invoice } from '../l402/invoice.js';
import type { TempoKeyType } from '../../payment/intent.js';
import type { PaymentChallenge } from './challenge.js';

interface ChargeFacts {
  /** Position among the answer's challenges. */
  readonly index: number;
  readonly challenge: PaymentChallenge;
  readonly amountAtomic: AtomicAmount;
  /** Rounded up. */
  readonly usdMicros: UsdMicros;
}

/** A charge of the method `evm` by EIP-3009: the seller sends what is signed. */
export interface EvmCharge extends ChargeFacts {
  readonly method: 'evm';
  readonly network: EvmNetwork;
  readonly asset: EvmAsset;
  readonly payTo: `0x${string}`;
}

/** A charge of the method `solana` in pull mode: the seller pays the fees, and sends what is signed. */
export interface SolanaCharge extends ChargeFacts {
  readonly method: 'solana';
  readonly network: SvmNetwork;
  readonly asset: SvmAsset;
  readonly payTo: string;
  readonly feePayer: string;
  /** The seller's reference, which it looks for in the memo; null where it has none, and then takes no memo. */
  readonly memo: string | null;
}

/** A charge on Tempo in pull mode: a transaction of ours that the seller sends, and pays the fee of where it says so. */
export interface TempoCharge extends ChargeFacts {
  readonly method: 'tempo';
  readonly network: TempoNetwork;
  readonly asset: TempoAsset;
  readonly payTo: `0x${string}`;
  readonly feePaidBy: 'payee' | 'self';
}

/** A charge by Lightning: an invoice that is paid before its proof is shown. Its dollars are the rate's, and no field here. */
export interface LightningCharge extends Omit<ChargeFacts, 'usdMicros'> {
  readonly method: 'lightning';
  readonly network: LightningNetwork;
  readonly asset: LightningAsset;
  /** The node that signed the invoice. */
  readonly payTo: string;
  readonly invoice: Invoice;
}

/** A charge that a rail of this wallet can pay. */
export type Charge = EvmCharge | SolanaCharge | TempoCharge | LightningCharge;

/**
 * A session on Tempo: each call is paid out of a channel with the seller, by a voucher for all that it may have taken of the
 * channel by then.
 */
export interface TempoSession extends ChargeFacts {
  readonly method: 'tempo';
  readonly network: TempoNetwork;
  readonly asset: TempoAsset;
  readonly payTo: `0x${string}`;
  /** Who may settle for the payee; the zero address for nobody. */
  readonly operator: `0x${string}`;
  readonly feePaidBy: 'payee' | 'self';
  /** What the seller would have deposited; null where it does not say. Advice. */
  readonly suggestedAtomic: AtomicAmount | null;
}

/** A subscription on Tempo: a key of the seller's may take the amount once in each period, until the end. */
export interface TempoSubscription extends ChargeFacts {
  readonly method: 'tempo';
  readonly network: TempoNetwork;
  readonly asset: TempoAsset;
  readonly payTo: `0x${string}`;
  readonly periodSec: number;
  /** s since 1970 */
  readonly endsSec: number;
  readonly accessKey: `0x${string}`;
  readonly keyType: TempoKeyType;
  /** The challenge's id, which is 32 bytes: no other challenge is answered by what is signed. */
  readonly witness: `0x${string}`;
}
