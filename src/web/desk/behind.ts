/** Something that takes long to read: pages show what was read last, and it is read anew behind them. */
export class Behind<T> {
  readonly #read: () => Promise<T>;
  readonly #everyMs: number;
  readonly #now: () => number;
  #value: T | null = null;
  #version = 0;
  #reading = false;
  #readMs = -Infinity;

  /** `everyMs`: how long it is shown before it is read again. */
  constructor(read: () => Promise<T>, everyMs: number, now: () => number) {
    this.#read = read;
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /** What was read last, null before the first time; another reading begins where that is old. */
  look(): T | null {
    if (!this.#reading && Math.abs(this.#now() - this.#readMs) >= this.#everyMs) void this.#again();
    return this.#value;
  }

  /** What was read last, without another reading. */
  get value(): T | null {
    return this.#value;
  }

  /** Another one after each reading that differs: the same again is no news, and no page is drawn anew for it. */
  get version(): number {
    return this.#version;
  }

  async #again(): Promise<void> {
    this.#reading = true;
    try {
      const value = await this.#read();
      if (textOf(value) !== textOf(this.#value)) {
        this.#value = value;
        this.#version += 1;
      }
    } catch {
      // What was read last stays; the next look reads again.
    }
    this.#reading = false;
    this.#readMs = this.#now();
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one));
}
