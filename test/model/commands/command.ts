import fc from 'fast-check';
import { assertPromise } from '../invariants.js';
import type { ModelPayment } from '../payment.js';
import { Killed, type Family, type World } from '../world.js';

/** What the model of a run is: nothing beside its world. */
export type Model = Readonly<Record<string, never>>;
type Happening = (world: World) => Promise<string | undefined>;

/** One thing that happens to the wallet, after which the promise must hold. */
export class Command implements fc.AsyncCommand<Model, World> {
  readonly #name: string;
  readonly #happen: Happening;

  constructor(name: string, happen: Happening) {
    this.#name = name;
    this.#happen = happen;
  }

  check(): boolean {
    return true;
  }

  async run(_model: Model, world: World): Promise<void> {
    world.figures.commands += 1;
    const came = await this.#happen(world).catch((error: unknown) => {
      if (error instanceof Killed) return 'killed';
      throw error;
    });
    world.forgetDuring();
    await ticks();
    if (came !== undefined) count(world, came);
    await assertPromise(world, world.process(0));
  }

  toString(): string {
    return this.#name;
  }
}

function count({ figures }: World, what: string): void {
  figures.happened.set(what, (figures.happened.get(what) ?? 0) + 1);
}

const TICKS = 3;

/** Lets what goes on behind a command come to its end. */
async function ticks(): Promise<void> {
  for (let i = 0; i < TICKS; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Which process. */
export const slots = fc.nat(1);
export const families = fc.constantFrom<Family>('evm', 'svm');

/** Of the payments that fit, the one that is meant: the newest ones most often. */
export function pick(
  world: World,
  which: number,
  fits: (payment: ModelPayment) => boolean,
): ModelPayment | undefined {
  const found = world.payments.filter(fits);
  return found[found.length - 1 - (which % Math.max(1, found.length))];
}

/** Which payment: see {@link pick}. */
export const whiches = fc.nat(3);

/** Lands a payment whose bytes have left; false where the chain takes it no more. */
export function land(world: World, payment: ModelPayment): boolean {
  const trueMs = payment.left ? (payment.onChain?.land() ?? null) : null;
  if (trueMs !== null) world.advanceTo(trueMs);
  return trueMs !== null;
}

export const SEC = 1000;
export const MINUTE = 60 * SEC;
export const HOUR = 60 * MINUTE;
