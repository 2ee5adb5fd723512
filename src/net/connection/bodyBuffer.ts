/** Bytes that wait for a reader before the connection is told to stop: one read of a socket. */
const WAITING_BYTES_MAX = 64 * 1024;

/**
 * Smaller pieces are gathered in blocks of this size, so that a body sent byte by byte costs no object a
 * byte (T15).
 */
const BLOCK_BYTES = 16 * 1024;

/**
 * The part of a body that has arrived and was not read yet. It says when it is full, gives all it has
 * before it reports a failure, and can be read once.
 */
export class BodyBuffer {
  /** Every byte that ever arrived. */
  received = 0;
  readonly #whole: Buffer[] = [];
  #block: Buffer | undefined;
  #used = 0;
  #waiting = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #onEnd: (() => void) | undefined;
  readonly #onRoom: () => void;

  /** `onRoom` is called when a reader has taken all there was, whether or not the sender had stopped. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /**
   * Takes a piece, which must not change afterwards; false when the sender should stop until there is room.
   */
  push(piece: Buffer): boolean {
    if (this.#ended) return true;
    this.received += piece.length;
    this.#waiting += piece.length;
    if (this.#used + piece.length > BLOCK_BYTES) this.#closeBlock();
    if (piece.length >= BLOCK_BYTES) {
      this.#whole.push(piece);
    } else {
      this.#block ??= Buffer.allocUnsafe(BLOCK_BYTES);
      this.#block.set(piece, this.#used);
      this.#used += piece.length;
    }
    this.#wake?.();
    return this.#waiting < WAITING_BYTES_MAX;
  }

  /** Ends the body, whole or with the failure that cut it; the first end counts. */
  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#onEnd?.();
    this.#wake?.();
  }

  /** Calls back once when nothing more will arrive, at once where that is so; the newest listener counts. */
  whenEnded(listener: () => void): void {
    if (this.#ended) listener();
    else this.#onEnd = listener;
  }

  /** The next bytes; undefined at the end. @throws the failure the body ended with, after its last byte */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const bytes = this.#take();
      if (bytes) return bytes;
      if (this.#failure) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const bytes = await this.next();
      if (!bytes) return;
      yield bytes;
    }
  }

  /**
   * Makes what the block holds a piece of its own size: a reader that keeps pieces must not keep a block for
   * each.
   */
  #closeBlock(): void {
    if (this.#block && this.#used > 0) this.#whole.push(Buffer.from(this.#block.subarray(0, this.#used)));
    this.#used = 0;
  }

  #take(): Buffer | undefined {
    if (this.#whole.length === 0) this.#closeBlock();
    const bytes = this.#whole.shift();
    if (!bytes) return undefined;
    this.#waiting -= bytes.length;
    // Not before all is taken: each time a connection goes on it reads 64 KiB ahead, whatever it then hands over, and
    // more would pile up behind a slow reader than it takes (T15).
    if (this.#waiting === 0) this.#onRoom();
    return bytes;
  }
}
