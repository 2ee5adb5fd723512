import { isWalletError } from '../errors/walletError.js';
import { headerValues } from '../protocols/x402/header.js';
import { readDocument, type CatalogDocument, type Shape } from './readers/document.js';
import type { CatalogAnswer, CatalogFetch } from './fetch.js';
import { isFull } from './index/database.js';
import type { Catalog } from './index/catalog.js';
import type { PageFacts, Run } from './index/run.js';
import { siteDocuments } from './siteDocuments.js';

/** The largest document or page read; the largest OpenAPI documents seen have some megabytes (T15). */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;
/** One page may take this long, all of them together so long: a list served a byte a second ends too. */
const PAGE_TIMEOUT_MS = 20_000;
const RUN_MAX_MS = 120_000;
/** A source that lists more has its first so many: three times all services known in late 2026. */
const LISTINGS_MAX = 40_000;
const PAGES_MAX = 2_000;
/** Asked for at first; servers that refuse get the next, and in the end no number at all. */
const PAGE_SIZES: readonly (number | null)[] = [100, null];
/** So many documents of a list of providers in a row that do not come are a fault of all of it. */
const CHILDREN_LOST_MAX = 5;
/** A run that has not ended by then died with its process; another one may take its place. */
const LEASE_MS = RUN_MAX_MS + 30_000;

/** How a run over one source ended. */
export interface SyncReport {
  readonly url: string;
  /** `partial` goes on where it broke off; `busy`: another process is at it. */
  readonly status: 'synced' | 'unchanged' | 'partial' | 'failed' | 'busy';
  readonly shape: Shape | null;
  /** Listings this run saw. */
  readonly listings: number;
  /** Records that could not be read. */
  readonly dropped: number;
  readonly pages: number;
  readonly bytes: number;
  /** Why it ended early, in one word: a code, `http_500`, `not_a_catalogue`, `unreadable`, `looping`, `cut`; else null. */
  readonly reason: string | null;
}

/** What a run needs. */
export interface SyncOptions {
  readonly catalog: Catalog;
  readonly fetch: CatalogFetch;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Told after each page how many listings were seen so far, and how many the source claims to have. */
  readonly onProgress?: (listings: number, total: number | null) => void;
}

/**
 * Brings one source up to date: page by page, each asked for on condition, from where an earlier run broke off.
 *
 * Whatever the source does, it ends: within bounds on time, pages, bytes and listings, and at the first page that
 * shows nothing new. Never throws for what the source does.
 */
export async function syncSource(url: string, options: SyncOptions): Promise<SyncReport> {
  const run = options.catalog.beginRun(url, options.now(), LEASE_MS);
  if (run === null) return { ...EMPTY, url, status: 'busy', reason: 'busy' };
  const bound = AbortSignal.any([options.signal, AbortSignal.timeout(RUN_MAX_MS)]);
  const pass = new SourcePass(run, { ...options, signal: bound });
  return pass.walk();
}

const EMPTY: Omit<SyncReport, 'url' | 'status'> = {
  shape: null,
  listings: 0,
  dropped: 0,
  pages: 0,
  bytes: 0,
  reason: null,
};

/** What the loop does after a page. */
type Step =
  { readonly goOn: true } | { readonly goOn: false; readonly whole: boolean; readonly reason: string | null };

const GO_ON: Step = { goOn: true };
const DONE: Step = { goOn: false, whole: true, reason: null };

class SourcePass {
  readonly #run: Run;
  readonly #options: SyncOptions;
  #position: number;
  #size = 0;
  #listings = 0;
  #dropped = 0;
  #pages = 0;
  #bytes = 0;
  #changed = false;
  #shape: Shape | null = null;
  /** The documents of a list of providers, which come after it as pages; null for any other source. */
  #children: readonly string[] | null = null;
  #childrenLost = 0;
  /** The candidates for a bare site's document, the next one last. */
  #documents: string[];

  constructor(run: Run, options: SyncOptions) {
    this.#run = run;
    this.#options = options;
    this.#position = run.position;
    this.#listings = run.seen;
    this.#documents = siteDocuments(run.url).reverse();
  }

  async walk(): Promise<SyncReport> {
    const { catalog, now } = this.#options;
    let end: { readonly whole: boolean; readonly reason: string | null };
    for (;;) {
      const step = await this.#page().catch((error: unknown) => this.#fault(error));
      if (!step.goOn) {
        end = step;
        break;
      }
      if (this.#pages >= PAGES_MAX || this.#listings >= LISTINGS_MAX) {
        end = { whole: true, reason: 'cut' };
        break;
      }
    }
    if (end.whole && this.#listings === 0 && this.#dropped > 0) {
      // Records without one that can be read are a fault of the source, not its new list: what was there stays.
      end = { whole: false, reason: 'unreadable' };
      this.#position = 0;
    }
    const { whole, reason } = end;
    const resumeAt = whole || this.#position === 0 ? null : this.#position;
    catalog.endRun(this.#run, { whole, resumeAt, why: reason, shape: this.#shape, nowMs: now() });
    const seen = this.#pages > 0 && reason !== 'unreadable';
    return {
      url: this.#run.url,
      status: whole ? (this.#changed ? 'synced' : 'unchanged') : seen ? 'partial' : 'failed',
      shape: this.#shape,
      listings: this.#listings,
      dropped: this.#dropped,
      pages: this.#pages,
      bytes: this.#bytes,
      reason,
    };
  }

  async #page(): Promise<Step> {
    const { catalog, fetch, signal } = this.#options;
    // An earlier run broke off among the documents of a list: which they are, the list says.
    if (this.#children === null && this.#position > 0 && !isPaged(new URL(this.#run.url)))
      return this.#listAgain();
    const url = this.#url();
    const known = catalog.pageState(this.#run, this.#position);
    const answer = await fetch({
      url,
      bytesMax: PAGE_BYTES_MAX,
      timeoutMs: PAGE_TIMEOUT_MS,
      signal,
      headers: conditions(known),
    });
    this.#bytes += answer.bytes;
    if (answer.status === 304 && known !== null) return this.#keep(known);
    if (this.#children !== null) return this.#saveChild(answer);
    if (answer.status !== 200) return this.#refused(answer.status);
    if (answer.cut) return this.#smaller() ?? { goOn: false, whole: false, reason: 'answer_too_large' };
    const document = readDocument(answer.text, answer.url);
    if (document === undefined) return this.#otherDocument() ?? stop('not_a_catalogue');
    return this.#save(document, answer);
  }

  async #listAgain(): Promise<Step> {
    const { fetch, signal } = this.#options;
    const { url } = this.#run;
    const answer = await fetch({ url, bytesMax: PAGE_BYTES_MAX, timeoutMs: PAGE_TIMEOUT_MS, signal });
    this.#bytes += answer.bytes;
    const document = answer.status === 200 && !answer.cut ? readDocument(answer.text, answer.url) : undefined;
    if (document?.children === undefined) {
      // It is no such list any more: the next run begins anew.
      this.#position = 0;
      return stop('not_a_catalogue');
    }
    this.#children = document.children;
    this.#shape = document.shape;
    return this.#position > document.children.length ? DONE : GO_ON;
  }

  /** One provider of a list: what cannot be read is counted, and ends nothing, unless none can. */
  async #saveChild(answer: CatalogAnswer): Promise<Step> {
    const isWhole = answer.status === 200 && !answer.cut;
    const document = isWhole ? readDocument(answer.text, answer.url) : undefined;
    if (document === undefined) {
      this.#childrenLost += 1;
      if (this.#childrenLost >= CHILDREN_LOST_MAX)
        return stop(isWhole ? 'unreadable' : `http_${answer.status}`);
      this.#dropped += 1;
      this.#pages += 1;
      this.#position += 1;
    } else {
      this.#childrenLost = 0;
      await this.#store(document, answer, 1);
    }
    return this.#afterChild();
  }

  #afterChild(): Step {
    this.#options.onProgress?.(this.#listings, null);
    return this.#position > (this.#children?.length ?? 0) ? DONE : GO_ON;
  }

  /** The URL of the page: what the owner wrote, and where the page begins. */
  #url(): string {
    const child = this.#children?.[this.#position - 1];
    if (child !== undefined) return child;
    const document = this.#documents.at(-1);
    if (document !== undefined) return document;
    const url = new URL(this.#run.url);
    if (!isPaged(url)) return url.href;
    const size = PAGE_SIZES[this.#size] ?? null;
    if (size !== null) url.searchParams.set('limit', String(size));
    url.searchParams.set('offset', String(this.#position));
    return url.href;
  }

  #keep(known: PageFacts): Step {
    const { catalog } = this.#options;
    const next = this.#position + known.items;
    this.#listings += catalog.keepPage(this.#run, this.#position, next);
    this.#dropped += known.dropped;
    this.#pages += 1;
    this.#position = next;
    return this.#children === null ? this.#after(known.items, known.total, null) : this.#afterChild();
  }

  async #save(document: CatalogDocument, answer: CatalogAnswer): Promise<Step> {
    const { listings, dropped, shape, children } = document;
    if (children !== undefined) {
      this.#children = children;
      await this.#store(document, answer, 1);
      return children.length === 0 ? DONE : GO_ON;
    }
    const items = document.items ?? listings.length + dropped;
    const fresh = await this.#store(document, answer, items);
    if (shape !== 'list' || !isPaged(new URL(this.#run.url))) return DONE;
    // A list that gives the same page for every offset, or goes round, has shown all it has (T15).
    if (listings.length > 0 && fresh === 0 && this.#pages > 1)
      return { goOn: false, whole: true, reason: 'looping' };
    return this.#after(items, document.total ?? null, document.limit ?? null);
  }

  /** Writes a page and steps over it; how many of its listings this run had not seen. */
  async #store(document: CatalogDocument, answer: CatalogAnswer, items: number): Promise<number> {
    const { catalog } = this.#options;
    const { listings, dropped, shape, children } = document;
    // A list of providers is asked for whole each time: without it nobody knows where their documents are.
    const isConditional = children === undefined;
    const page: PageFacts = {
      etag: isConditional ? header(answer, 'etag') : null,
      modified: isConditional ? header(answer, 'last-modified') : null,
      items,
      total: document.total ?? null,
      dropped,
    };
    const fresh = await catalog.savePage(this.#run, { ...page, position: this.#position }, listings);
    this.#shape = shape;
    this.#changed = true;
    this.#pages += 1;
    this.#dropped += dropped;
    this.#listings += fresh;
    this.#position += items;
    return fresh;
  }

  /** Whether there is another page: by the total where it is stated, else by whether this one was full. */
  #after(items: number, total: number | null, limit: number | null): Step {
    this.#options.onProgress?.(this.#listings, total);
    if (items === 0) return DONE;
    if (total !== null && total > 0) return this.#position >= total ? DONE : GO_ON;
    const asked = limit ?? PAGE_SIZES[this.#size] ?? null;
    return asked === null || items >= asked ? GO_ON : DONE;
  }

  #refused(status: number): Step {
    if (status === 400 || status === 413 || status === 422) {
      const smaller = this.#smaller();
      if (smaller !== undefined) return smaller;
    }
    if (status === 404 || status === 405) {
      const other = this.#otherDocument();
      if (other !== undefined) return other;
    }
    return stop(`http_${status}`);
  }

  #smaller(): Step | undefined {
    if (this.#documents.length > 0 || this.#size + 1 >= PAGE_SIZES.length) return undefined;
    this.#size += 1;
    return GO_ON;
  }

  #otherDocument(): Step | undefined {
    if (this.#documents.length < 2) return undefined;
    this.#documents.pop();
    return GO_ON;
  }

  /** A fault of the source's or of the way to it; ours pass through. */
  #fault(error: unknown): Step {
    if (isFull(error)) return stop('disk_full');
    if (isWalletError(error)) return stop(error.code);
    throw error;
  }
}

function stop(reason: string): Step {
  return { goOn: false, whole: false, reason };
}

/** Documents have one page; everything else that is not a bare site is taken for a list with offsets. */
function isPaged(url: URL): boolean {
  return !/\.(json|ya?ml)$|\/\.well-known\//i.test(url.pathname) && url.pathname !== '/';
}

function conditions(known: PageFacts | null): [string, string][] {
  if (known === null) return [];
  if (known.etag !== null) return [['if-none-match', known.etag]];
  return known.modified === null ? [] : [['if-modified-since', known.modified]];
}

/** A validator is sent back as it came, so it must be something that a header can hold. */
const VALIDATOR = /^[\x20-\x7e]{1,200}$/;

function header(answer: CatalogAnswer, name: string): string | null {
  const [value] = headerValues(answer.headers, name);
  return value !== undefined && VALIDATOR.test(value) ? value : null;
}
