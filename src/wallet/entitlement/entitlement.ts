import type {
  Entitlement,
  EntitlementKind,
  EntitlementPlace,
  EntitlementTerms,
  NewEntitlement,
} from '../../ledger/books/entitlement.js';
import type { HeaderList } from '../../net/headers.js';
import { isJsonObject, parseJson, statedText, type JsonObject } from '../../text/json.js';
import type { Outcome } from '../answer/outcome.js';
import type { Engine } from '../engine.js';

/** Kinds that are good for one URL alone, and not for what lies below it. */
const EXACT_KINDS: readonly EntitlementKind[] = ['siwx_session', 'job'];

/** What is kept of something bought, before it is sealed. `agent` is the engine's. */
export type Bought = Omit<EntitlementPlace, 'agent'> &
  Pick<EntitlementTerms, 'valueLeft' | 'unit' | 'expiresMs'> & {
    readonly paymentId: string | null;
    /** No secret; JSON. */
    readonly facts: JsonObject;
    /** The headers by which the seller takes it; empty where it needs none. */
    readonly headers: HeaderList;
  };

/** An entitlement as results and lists show it: never what the seller takes it by (T38). */
export interface EntitlementView {
  readonly id: string;
  readonly kind: EntitlementKind;
  readonly origin: string;
  readonly path: string;
  readonly value_left: string | null;
  readonly unit: string | null;
  readonly expires_at: string | null;
  readonly payment_id: string | null;
}

/** What is kept of something that this agent bought: its headers are sealed for its place. */
export function sealed({ agent, keys }: Pick<Engine, 'agent' | 'keys'>, bought: Bought): NewEntitlement {
  const { headers, facts, ...terms } = bought;
  const place = { ...terms, agent };
  const secret = headers.length === 0 ? null : keys.seal(placeText(place), JSON.stringify(headers));
  return { ...place, facts: JSON.stringify(facts), secret };
}

/** Remembers something that this agent bought, in the place of what it had there before. */
export function remember(engine: Engine, bought: Bought): Promise<Entitlement> {
  return engine.ledger.entitlements.save(sealed(engine, bought), engine.now());
}

/** The headers by which the seller takes it; empty where it needs none, or where these keys do not open it. */
export function headersOf({ keys }: Pick<Engine, 'keys'>, entitlement: Entitlement): HeaderList {
  const { secret } = entitlement;
  const text = secret === null ? null : keys.unseal(placeText(entitlement), secret);
  return text === null ? [] : (JSON.parse(text) as HeaderList);
}

/** Whether it is good for a URL: of its origin, and at its path or below it, at the end of a segment (as RFC 6265, 5.1.4). */
export function covers({ kind, origin, path }: EntitlementPlace, url: URL): boolean {
  if (origin !== url.origin) return false;
  if (EXACT_KINDS.includes(kind)) return path === url.pathname + url.search;
  const at = url.pathname;
  return at === path || (at.startsWith(path) && (path.endsWith('/') || at[path.length] === '/'));
}

/** A text fact of an entitlement; undefined where it has none by that name. */
export function factOf({ facts }: Pick<Entitlement, 'facts'>, name: string): string | undefined {
  const value = parseJson(facts);
  return isJsonObject(value) ? statedText(value, name) : undefined;
}

/** The entitlement as it is shown. */
export function viewEntitlement(entitlement: Entitlement): EntitlementView {
  const { id, kind, origin, path, valueLeft, unit, expiresMs, paymentId } = entitlement;
  return {
    ...{ id, kind, origin, path, unit },
    value_left: valueLeft,
    expires_at: expiresMs === null ? null : new Date(expiresMs).toISOString(),
    payment_id: paymentId,
  };
}

/** An outcome that cost nothing because of what was bought before. */
export function withEntitlement(told: Outcome, entitlement: Entitlement, message: string): Outcome {
  const view = { entitlement: viewEntitlement(entitlement) };
  return told.status === 'ok' ? { ...told, ...view, message } : { ...told, ...view };
}

/** The outcome of a payment, which says beside what the seller issued for later calls. */
export function withBought(paid: Outcome, bought: Entitlement | null): Outcome {
  if (bought === null) return paid;
  const { kind, origin, path, secret, valueLeft, unit } = bought;
  const what =
    kind === 'bearer'
      ? 'an access token'
      : `a balance of ${valueLeft ?? ''}${unit === null ? '' : ` ${unit}`}`;
  const how =
    secret === null
      ? ' The wallet remembers it.'
      : ` The wallet keeps what it is taken by, and sends it with calls of ${origin}${path} by itself: they cost nothing while the seller takes it.`;
  return { ...paid, message: `${paid.message} It brought ${what}.${how}`, bought: viewEntitlement(bought) };
}

/** What a secret is sealed for: whoever puts it into another row opens nothing. */
function placeText({ agent, kind, origin, path, subject }: EntitlementPlace): string {
  return JSON.stringify([agent, kind, origin, path, subject]);
}
