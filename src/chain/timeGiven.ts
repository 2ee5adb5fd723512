/** A time that an RPC operator gave with an answer: in its `Date`, or as that of its newest block. */
export interface TimeGiven {
  /** Its origin. */
  readonly operator: string;
  readonly kind: 'date' | 'block';
  /** ms since 1970, whole seconds. */
  readonly ms: number;
  /** How long the answer took. ms */
  readonly tookMs: number;
}

/** Told of each such time. */
export type OnTime = (time: TimeGiven) => void;
