/**
 * Where one RPC operator's chain stood when a payment was signed, by itself. What that operator later says of the
 * payment is measured against its own mark: a height or a slot of another one proves nothing (T28, T31).
 */
export interface Mark {
  /** Origin of its RPC. */
  readonly operator: string;
  /** On the EVM a block, on Solana a slot: nothing signed then can be in it, or in any before it. */
  readonly after: number;
  /** On Solana the block height at confirmed commitment: no blockhash known then lives for more blocks than one lives. */
  readonly height?: number;
}
