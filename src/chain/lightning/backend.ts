import type { AtomicAmount } from '../../money/unit.js';

/** A wallet or node gave no answer that can be used. The message is ours, and shows no secret of the connection. */
export class LightningFault extends Error {
  /** Whether what was asked may have reached it: then a payment may be on its way. */
  readonly mayHaveLeft: boolean;

  constructor(what: string, mayHaveLeft: boolean) {
    super(what);
    this.name = 'LightningFault';
    this.mayHaveLeft = mayHaveLeft;
  }
}

/** Where the connected node was, another one answers: what it says counts for nothing, and nothing was asked of it. */
export class OtherNode extends LightningFault {
  constructor(host: string) {
    super(`At ${host} another node answers than the one that was connected`, false);
    this.name = 'OtherNode';
  }
}

/** What a node's own books say of a payment that went out. */
export interface NodePayment {
  readonly paymentHash: string;
  /** `failed`: no part of it can arrive any more. */
  readonly state: 'paid' | 'failed' | 'in_flight';
  /** The proof that it arrived, in hex; null unless it is paid, or where the node does not say. */
  readonly preimage: string | null;
  /** What the invoice asked for; null where the node does not say. */
  readonly amountMsat: AtomicAmount | null;
  readonly feeMsat: AtomicAmount;
  /** s since 1970; null where the node does not say. */
  readonly settledSec: number | null;
  /** Why it failed, as a word of the node's own; null for all else. */
  readonly failure: string | null;
}

/** What came of asking a node to pay. */
export type PayReport =
  | { readonly kind: 'told'; readonly payment: NodePayment }
  /** It says that it did not begin: there is nothing that could still arrive. */
  | {
      readonly kind: 'refused';
      readonly why: string;
      /** Set where a request that a relay brought twice is told the same while the first is under way: its books have the last word. */
      readonly asksBooks?: true;
    }
  /** Its word leaves open what became of it; its books are to be asked. */
  | { readonly kind: 'unclear'; readonly why: string };

/** What a connected wallet may do, and of how much. */
export interface WalletInfo {
  readonly alias: string;
  /** The Lightning network, by our table; null where it does not say. */
  readonly invoiceChain: string | null;
  /** The node's own key; absent where a wallet is no node. */
  readonly nodeId?: string;
  /** What it lets this connection do. */
  readonly methods: readonly string[];
  /** What the wallet itself bounds this connection by; null where it bounds or tells none. */
  readonly budget: {
    readonly totalMsat: AtomicAmount;
    readonly usedMsat: AtomicAmount;
    readonly renews: string;
  } | null;
}

/** A wallet or node of the owner's. Every method may throw {@link LightningFault}. */
export interface LightningBackend {
  /** Host or relay, for people. */
  readonly place: string;
  info(signal?: AbortSignal): Promise<WalletInfo>;
  balanceMsat(signal?: AbortSignal): Promise<AtomicAmount>;
  /**
   * Asks for one payment, once. `feeMaxMsat` bounds routing where the interface has such a bound. A fault, or the signal's
   * end, leaves open whether it is paid unless the fault says that nothing left.
   */
  pay(
    request: {
      readonly invoice: string;
      readonly paymentHash: string;
      readonly feeMaxMsat: AtomicAmount;
      /** Past it the request is not acted on, where the interface has such a bound; absent where it was not written down. */
      readonly askUntilSec?: number;
    },
    signal: AbortSignal,
  ): Promise<PayReport>;
  /** What its books say of a payment hash; null where they know of none. */
  lookup(paymentHash: string, signal?: AbortSignal): Promise<NodePayment | null>;
  /** What went out since a time. */
  payments(sinceSec: number, signal?: AbortSignal): Promise<readonly NodePayment[]>;
  /** An invoice by which the owner fills the wallet. */
  makeInvoice(amountMsat: AtomicAmount, description: string, signal?: AbortSignal): Promise<string>;
  close(): void;
}
