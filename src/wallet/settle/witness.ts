import type { Witness } from '../../ledger/attempts/observation.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import type { Chain, SearchMemory } from '../../chain/chain.js';
import type { Config } from '../../config/settings.js';
import type { Attempt } from '../../ledger/attempts/attempt.js';
import { type Caip2, findNetwork } from '../../money/network.js';
import type { Mark } from '../../payment/mark.js';
import type { Engine } from '../engine.js';

/**
 * A mark that came later than this may be of a block that the payment is in: far less than what is taken off a mark, and
 * more than an operator gets to answer.
 */
const LATE_MS_MAX = 10_000;

/**
 * What was signed for a hold, with where the chain's operators stand. Nobody waits for an operator: a mark that is not
 * there yet is kept behind the payment.
 */
export function withMarks(
  engine: Engine,
  config: Config,
  { id, network }: Attempt,
  payload: SignedPayload,
): SignedPayload {
  const chain = chainOn(engine, config, network);
  const marks = chain?.marks() ?? [];
  if (chain !== null)
    // A ledger that is busy or closed meanwhile: a proof by those operators rests on their time alone, and takes longer.
    keepLateMarks(engine, chain, id, marks).catch(() => undefined);
  return { ...payload, marks };
}

async function keepLateMarks(
  engine: Engine,
  chain: Chain,
  paymentId: string,
  kept: readonly Mark[],
): Promise<void> {
  const [signedMs, startedMs] = [engine.now(), performance.now()];
  const known = new Set(kept.map(({ operator }) => operator));
  const late = (await chain.readMarks()).filter(({ operator }) => !known.has(operator));
  // By both: the wall clock may be set back meanwhile, and the other one stands still while the machine sleeps (T30).
  const wallMs = engine.now() - signedMs;
  const lateMs = Math.max(wallMs, performance.now() - startedMs);
  if (late.length === 0 || wallMs < 0 || lateMs > LATE_MS_MAX) return;
  await engine.ledger.saveWitnesses(
    paymentId,
    late.map((mark) => ({ operator: mark.operator, mark: JSON.stringify(mark), search: null })),
  );
}

function chainOn(engine: Engine, config: Config, caip2: string): Chain | null {
  const network = findNetwork(caip2 as Caip2);
  return network === undefined ? null : engine.chain(config, network);
}

/** What the ledger remembers of the operators of one payment, while the chain is asked about it. */
export class Witnesses implements SearchMemory {
  /** Marks that came too late to be kept with the bytes. */
  readonly lateMarks: readonly Mark[];
  readonly #engine: Pick<Engine, 'ledger'>;
  readonly #paymentId: string;
  readonly #known: ReadonlyMap<string, Witness>;
  readonly #searches = new Map<string, string | null>();

  private constructor(engine: Pick<Engine, 'ledger'>, attempt: Attempt, found: readonly Witness[]) {
    this.#engine = engine;
    this.#paymentId = attempt.id;
    this.#known = new Map(found.map((witness) => [witness.operator, witness]));
    this.lateMarks = found.flatMap(({ mark }) => (mark === null ? [] : [JSON.parse(mark) as Mark]));
  }

  static async of(engine: Pick<Engine, 'ledger'>, attempt: Attempt): Promise<Witnesses> {
    return new Witnesses(engine, attempt, await engine.ledger.findWitnesses(attempt.id));
  }

  find(operator: string): string | null {
    const changed = this.#searches.get(operator);
    return changed === undefined ? (this.#known.get(operator)?.search ?? null) : changed;
  }

  keep(operator: string, search: string | null): void {
    this.#searches.set(operator, search);
  }

  /** Forgets every search, for the next look to begin anew. */
  forget(): void {
    for (const operator of [...this.#known.keys(), ...this.#searches.keys()]) this.keep(operator, null);
  }

  /** Writes down how far each search came, where one did. */
  async save(): Promise<void> {
    const changed = [...this.#searches]
      .map(([operator, search]) => ({ operator, mark: this.#known.get(operator)?.mark ?? null, search }))
      .filter(({ operator, search }) => search !== (this.#known.get(operator)?.search ?? null));
    if (changed.length > 0) await this.#engine.ledger.saveWitnesses(this.#paymentId, changed);
  }
}
