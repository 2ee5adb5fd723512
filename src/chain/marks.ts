import type { Mark } from '../payment/mark.js';

interface Known {
  readonly mark: Mark;
  readonly atMs: number;
}

/** The newest mark of each operator of a network, read behind what a payment waits for anyway. */
export class Marks<Operator extends { readonly origin: string }> {
  readonly #read: (operator: Operator) => Promise<Omit<Mark, 'operator'>>;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<void>>();

  constructor(read: (operator: Operator) => Promise<Omit<Mark, 'operator'>>, nowMs: () => number) {
    this.#read = read;
    this.#nowMs = nowMs;
  }

  /** Marks whose reading began at `sinceMs` or later; one from a time to come is none, for the clock was set back. */
  since(sinceMs: number): readonly Mark[] {
    const nowMs = this.#nowMs();
    return [...this.#known.values()]
      .filter(({ atMs }) => atMs >= sinceMs && atMs <= nowMs)
      .map(({ mark }) => mark);
  }

  /**
   * Asks each operator whose mark is older than `sinceMs`; gives the questions, which end when the mark is known or
   * could not be had, and never reject.
   */
  read(operators: readonly Operator[], sinceMs: number): Promise<void>[] {
    const known = new Set(this.since(sinceMs).map(({ operator }) => operator));
    return operators.filter(({ origin }) => !known.has(origin)).map((operator) => this.#readOne(operator));
  }

  /** Notes a mark that came with another answer, to a question asked then. */
  note(mark: Mark, atMs: number): void {
    this.#known.set(mark.operator, { mark, atMs });
  }

  #readOne(operator: Operator): Promise<void> {
    const { origin } = operator;
    const running = this.#reading.get(origin);
    if (running !== undefined) return running;
    const atMs = this.#nowMs();
    const reading = this.#read(operator)
      .then((mark) => this.note({ operator: origin, ...mark }, atMs))
      // An operator that does not answer has no mark, and its later word rests on something else.
      .catch(() => undefined)
      .finally(() => this.#reading.delete(origin));
    this.#reading.set(origin, reading);
    return reading;
  }
}
