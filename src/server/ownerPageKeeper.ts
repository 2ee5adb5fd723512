import type { Engine } from '../wallet/engine.js';

/** The owner's page as it is served beside the agents. */
export interface OwnerPage {
  /** Where its owner opens it. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves it over an open wallet. */
export type ServeOwnerPage = (engine: Engine) => Promise<OwnerPage>;

/** Keeps the owner's page over the wallet that is open: one that was brought back meanwhile is opened anew. */
export class OwnerPageKeeper {
  readonly #serve: ServeOwnerPage;
  #engine: Engine | null = null;
  #page: Promise<OwnerPage> | null = null;

  constructor(serve: ServeOwnerPage) {
    this.#serve = serve;
  }

  /** Tells of the wallet that is open now. A page over the last one gives way to one over it. */
  over(engine: Engine): void {
    this.#engine = engine;
    if (this.#page === null) return;
    this.#page = closed(this.#page).then(() => this.#serve(engine));
    // One that cannot come back must not end the server.
    this.#page.catch(() => undefined);
  }

  /** Serves the page. Throws what serving it throws. */
  async start(): Promise<string> {
    if (this.#engine === null) throw new Error('The wallet has to be open.');
    this.#page = this.#serve(this.#engine);
    return (await this.#page).url;
  }

  close(): Promise<void> {
    return closed(this.#page);
  }
}

async function closed(page: Promise<OwnerPage> | null): Promise<void> {
  await (await page?.catch(() => null))?.close();
}
