import type { Confirmation } from '../approvals/confirmation.js';
import type { OwnerDesk } from '../approvals/desk.js';
import type { Enrolment } from '../approvals/enrolment.js';
import { addressOf } from './address.js';
import { createApp } from './app.js';
import { serveOnMachine } from './machineServer.js';
import { Visits } from './visit.js';

/** What {@link startPage} needs. */
export interface PageOptions {
  readonly desk: OwnerDesk;
  /** The time in ms. */
  readonly now: () => number;
  /** 0, or left out, for any that is free. */
  readonly port?: number;
  /** Words a command of ours for a terminal on this machine. */
  readonly command: (args: string) => string;
  /** Serves `/passkey` for this passkey to be added. */
  readonly enrolment?: Enrolment;
  /** Serves `/confirm` for this owner command. */
  readonly confirmation?: Confirmation;
}

/** A page that listens. */
export interface Page {
  /** Where the owner opens it. It lets them in, and it alone says yes to nothing; other users must not see it. */
  readonly url: string;
  readonly port: number;
  /** {@link url} of one of its pages: `/`, `/approvals/ID`, `/passkey`, `/confirm`. */
  urlOf(path: string): string;
  /** Ends it, and every connection. */
  close(): Promise<void>;
}

/** Serves the owner's page on this machine. Throws `unreachable` where the port is taken, or where none is free. */
export async function startPage(options: PageOptions): Promise<Page> {
  const { desk, now, command, enrolment = null, confirmation = null } = options;
  const visits = new Visits();
  const { port, close } = await serveOnMachine(options.port ?? 0, (port) =>
    createApp({ desk, now, port, visits, command, enrolment, confirmation }),
  );
  const urlOf = (path: string): string => addressOf(port, path, visits.key);
  return { url: urlOf('/'), port, urlOf, close };
}
