/**
 * A request's body that is read from its beginning each time it is sent, the same bytes each time: a file that nobody
 * else writes, where they are too many to be held in memory.
 */
export interface RequestBody {
  /** How many bytes {@link RequestBody.read} gives. */
  readonly length: number;
  /** The bytes from the first one on. Left early, it lets go of what it holds. */
  read(): AsyncGenerator<Uint8Array, void>;
}
