import type { Engine } from '../wallet/engine.js';
import type { AdminApi } from './admin/adminApi.js';
import type { AdminParts } from './admin/parts.js';

/** The owner's side of an open wallet, made once it is asked for. */
export type OpenAdmin = (engine: Engine) => Promise<AdminParts>;

/** Keeps the admin API over the wallet that is open. What it needs is loaded by the first request that is for it. */
export class AdminKeeper {
  readonly #version: string;
  readonly #open: OpenAdmin;
  #engine: Engine | null = null;
  #parts: { readonly of: Engine; readonly parts: AdminParts } | null = null;
  #api: Promise<AdminApi> | null = null;

  constructor(version: string, open: OpenAdmin) {
    this.#version = version;
    this.#open = open;
  }

  /** Tells of the wallet that is open now. */
  over(engine: Engine): void {
    this.#engine = engine;
  }

  /** Answers a request below `/admin/v1`; null where the owner did not turn the API on, or let nobody in. */
  async fetch(request: Request): Promise<Response | null> {
    const engine = this.#engine;
    if (engine === null || !(await isThere(engine))) return null;
    if (this.#parts?.of !== engine) this.#parts = { of: engine, parts: await this.#open(engine) };
    this.#api ??= import('./admin/adminApi.js').then(({ makeAdminApi }) =>
      makeAdminApi(this.#version, () => this.#parts?.parts ?? null),
    );
    return (await this.#api).fetch(request);
  }
}

async function isThere(engine: Engine): Promise<boolean> {
  const { admin } = await engine.config();
  return admin.isOn && (admin.clients.size > 0 || admin.oidcIssuer !== 'none');
}
