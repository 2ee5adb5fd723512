import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { CODE_TRIES_MAX, isSameCode, makeCode } from '../../approvals/code.js';

const SECRET_BYTES = 32;
const ID_BYTES = 16;
const ID = /^[0-9a-f]{32}$/;

/** A browser takes seconds to start; an address that is older was lost on the way. */
const TICKET_LIFE_MS = 2 * 60_000;
/** More than one owner opens at once; past it the oldest ends. */
const TICKETS_MAX = 16;

/** A way in for one browser, once. */
export interface Ticket {
  readonly key: string;
  /** Resolves once it lets nobody in any more: it was used, it is too old, or the page closed. */
  readonly ended: Promise<unknown>;
}

interface OpenTicket {
  readonly path: string;
  readonly end: () => void;
}

/** One browser that was let in. */
export interface Visit {
  /** Where every page of this visit is: a path that no other port, and nobody who only has the cookie, knows. */
  readonly base: string;
  /** What the cookie holds. */
  readonly cookie: string;
  /** The token of its forms. */
  readonly token: string;
}

/** How a code was taken. */
export type CodeVerdict = 'right' | 'wrong' | 'closed';

/**
 * Who may look at one run of a page (T20, T33).
 *
 * A browser comes in by a ticket, which works once and travels in a file of the owner's alone, or by a code, which only
 * the owner's terminal or desktop shows. From then on two things together admit it: a secret path, since cookies reach
 * every port of `localhost`; and a cookie, since a path may be read out of a browser's history. Either alone is nothing.
 * None of it suffices for a yes. All of it ends with the process.
 */
export class Visits {
  readonly #secret = randomBytes(SECRET_BYTES);
  readonly #tickets = new Map<string, OpenTicket>();
  #code: string;
  /** Wrong codes by who typed them: another user of the machine must not use up the owner's tries. */
  readonly #wrongCodes = new Map<number | null, number>();

  /** `code` is one that the owner's terminal shows already; else one is made. */
  constructor(code: string = makeCode()) {
    this.#code = code;
  }

  /** The code to show the owner now: another one once the last was guessed at too often. */
  codeToShow(): string {
    if ([...this.#wrongCodes.keys()].some((user) => !this.#takesCode(user))) {
      this.#code = makeCode();
      this.#wrongCodes.clear();
    }
    return this.#code;
  }

  /** Makes another code, for something that the last one must not open: it was typed into a browser. */
  renewCode(): void {
    this.#code = makeCode();
    this.#wrongCodes.clear();
  }

  /** Whether a code is taken of a user: five wrong ones close that way to them until the owner is shown another. */
  #takesCode(user: number | null): boolean {
    return (this.#wrongCodes.get(user) ?? 0) < CODE_TRIES_MAX;
  }

  /** Whether it is the code, whoever typed it and however often: for who was let in, and is counted elsewhere. */
  isCode(given: string): boolean {
    return isSameCode(given, this.#code);
  }

  /** Looks at a code that somebody typed who was not let in yet; `user` as far as that is known. */
  tryCode(given: string, user: number | null): CodeVerdict {
    if (!this.#takesCode(user)) return 'closed';
    if (isSameCode(given, this.#code)) return 'right';
    this.#wrongCodes.set(user, (this.#wrongCodes.get(user) ?? 0) + 1);
    return this.#takesCode(user) ? 'wrong' : 'closed';
  }

  /** Makes a way in to one of the paths of the page. */
  issue(path: string, lifeMs = TICKET_LIFE_MS): Ticket {
    const oldest = this.#tickets.keys().next();
    if (this.#tickets.size >= TICKETS_MAX && oldest.done === false) this.#end(oldest.value);
    const key = randomBytes(SECRET_BYTES).toString('base64url');
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => this.#end(key), lifeMs).unref();
    const end = (): void => {
      clearTimeout(timer);
      resolve(undefined);
    };
    this.#tickets.set(key, { path, end });
    return { key, ended: promise };
  }

  /** Uses a ticket up. Answers the path it leads to, null where it is none, was used or is too old. */
  use(key: string): string | null {
    const ticket = this.#tickets.get(key);
    this.#end(key);
    return ticket?.path ?? null;
  }

  /** Lets a browser in. The caller has looked at its ticket or code. */
  begin(): Visit {
    return this.#visit(randomBytes(ID_BYTES).toString('hex'));
  }

  /** The visit of a path and one of the cookies that came with it; null where they are not of one visit of this page. */
  find(id: string, cookies: readonly string[]): Visit | null {
    if (!ID.test(id)) return null;
    const visit = this.#visit(id);
    return cookies.some((cookie) => isSame(cookie, visit.cookie)) ? visit : null;
  }

  isToken(visit: Visit, given: string): boolean {
    return isSame(given, visit.token);
  }

  /** Ends every ticket. */
  close(): void {
    for (const key of [...this.#tickets.keys()]) this.#end(key);
  }

  #end(key: string): void {
    this.#tickets.get(key)?.end();
    this.#tickets.delete(key);
  }

  #visit(id: string): Visit {
    return { base: `/v/${id}`, cookie: this.#mac(`visit ${id}`), token: this.#mac(`form ${id}`) };
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url');
  }
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
