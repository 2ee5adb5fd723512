import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const ID_BYTES = 16;
const ID = /^[0-9a-f]{32}$/;

/**
 * Who may look at one run of the page, and whose forms are its own.
 *
 * The key in the page's address lets a browser in: it keeps other users of the machine, and pages of other ports, from
 * reading what the owner buys and from saying no. It never suffices for a yes, so an agent that holds it, or sees it
 * in a result, gains nothing (T20). All of it ends with the process.
 */
export class Visits {
  readonly #secret = randomBytes(SECRET_BYTES);

  /** What the address carries once; the cookie takes over from it. */
  get key(): string {
    return this.#mac('key').toString('base64url');
  }

  isKey(given: string): boolean {
    return isSame(Buffer.from(given), Buffer.from(this.key));
  }

  /** A new visit, as its cookie says it. */
  begin(): string {
    const id = randomBytes(ID_BYTES).toString('hex');
    return `${id}.${this.#mac(`visit ${id}`).toString('hex')}`;
  }

  /** The visit a cookie names; null where it is none of this page. */
  find(cookie: string | undefined): string | null {
    const [id = '', mac = '', ...rest] = (cookie ?? '').split('.');
    if (!ID.test(id) || rest.length > 0) return null;
    return isSame(Buffer.from(mac), Buffer.from(this.#mac(`visit ${id}`).toString('hex'))) ? id : null;
  }

  /**
   * The token in the forms of a visit. Cookies reach every port of a host: other servers on this machine see ours and
   * can set one, but make no token of it.
   */
  tokenOf(visit: string): string {
    return this.#mac(`form ${visit}`).toString('base64url');
  }

  isToken(visit: string, given: string): boolean {
    return isSame(Buffer.from(given), Buffer.from(this.tokenOf(visit)));
  }

  #mac(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}

function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
