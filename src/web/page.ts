import { Desk, type DeskParts } from './desk/desk.js';
import type { OwnerAction } from '../errors/ownerAction.js';
import type { Hono } from 'hono';
import type { Confirmation } from '../approvals/confirmation.js';
import type { ApprovalInbox } from '../approvals/inbox.js';
import type { Enrolment } from '../approvals/enrolment.js';
import { addressOf, ticketAddressOf, type OutsideAddress, type PageAddress } from './door/address.js';
import type { Door, Entry, VisitEnv } from './door/admission.js';
import { createApp } from './approvals/app.js';
import { serveOnMachine, serveOutside, type OutsideListen } from './door/machineServer.js';
import { Visits } from './door/visit.js';

/** What {@link startPage} needs. */
export interface PageOptions {
  readonly inbox: ApprovalInbox;
  /** The time in ms. */
  readonly now: () => number;
  /** 0, or left out, for any that is free. */
  readonly port?: number;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
  /** Opens an address that lets in, in the owner's browser; left out where there is none. */
  readonly open?: OpenTicket;
  /** Serves `/passkey` for this passkey to be added. */
  readonly enrolment?: Enrolment;
  /** Serves `/confirm` for this owner command. */
  readonly confirmation?: Confirmation;
  /** Serves the owner's desk beside the questions. */
  readonly desk?: DeskParts;
  /** Serves it to who comes from elsewhere, in place of this machine. */
  readonly outside?: OutsidePage;
}

/** A page for who comes from elsewhere. */
export interface OutsidePage {
  readonly address: OutsideAddress;
  readonly listen: OutsideListen;
  readonly entry: Entry;
}

/** An address that lets one browser in, once; `ended` resolves when it does so no more. */
export interface TicketAddress {
  readonly url: string;
  readonly ended: Promise<unknown>;
}

/** Opens an address that lets in, so that nobody but the owner sees it; false where that cannot be done. */
export type OpenTicket = (address: TicketAddress) => Promise<boolean>;

/** A page that listens. */
export interface Page {
  readonly port: number;
  /**
   * What the owner types at the address that asks for it, for their terminal and their desktop alone. Another one once
   * the last was guessed at too often.
   */
  codeToShow(): string;
  /** The address of a path, which asks for the code: anybody may see it. */
  addressOf(path: string): string;
  /** An address that lets in. Never for an argument list, a log or a result. */
  ticket(path: string, lifeMs?: number): TicketAddress;
  /** Opens one of its paths in the owner's browser; false where there is no way to. */
  show(path: string): Promise<boolean>;
  /** Ends it, and every connection. */
  close(): Promise<void>;
}

/** Serves the owner's page on this machine. Throws `unreachable` where the port is taken, or where none is free. */
export async function startPage(options: PageOptions): Promise<Page> {
  const { inbox, command, enrolment = null, confirmation = null, now } = options;
  const desk = options.desk === undefined ? null : new Desk(options.desk, now);
  // One code for both: an owner who adds a passkey is not to look for the right one of two.
  const page = await serveBehindDoor(
    { ...options, code: enrolment?.code, terminal: command({ kind: 'openApprovals' }) },
    (door) => createApp({ inbox, door, command, enrolment, confirmation, desk }),
  );
  return {
    ...page,
    close: async () => {
      if (desk !== null) desk.isClosed = true;
      await page.close();
    },
  };
}

/** What every page of ours needs to be served. */
export interface ServeOptions extends Pick<PageOptions, 'now' | 'port' | 'open' | 'outside'> {
  readonly terminal: string;
  readonly code?: string | undefined;
}

/** Serves an application behind the door that lets in the owner alone. */
export async function serveBehindDoor(
  { now, port: wanted = 0, open, outside, terminal, code }: ServeOptions,
  makeApp: (door: Omit<Door, 'landings'>) => Hono<VisitEnv>,
): Promise<Page> {
  const visits = new Visits(code);
  let at: PageAddress = { port: 0, outside: outside?.address ?? null };
  const ticket = (path: string, lifeMs?: number): TicketAddress => {
    const { key, ended } = visits.issue(path, lifeMs);
    return { url: ticketAddressOf(at, key), ended };
  };
  const show = async (path: string): Promise<boolean> => (await open?.(ticket(path))) ?? false;
  const parts = { visits, now, terminal, entry: outside?.entry ?? null };
  const { port, close } =
    outside === undefined
      ? await serveOnMachine(wanted, (port) => {
          at = { port, outside: null };
          return makeApp({ ...parts, ...at, reopen: open === undefined ? null : show });
        })
      : await serveOutside(outside.listen, makeApp({ ...parts, ...at, reopen: null }));
  return {
    port,
    codeToShow: () => visits.codeToShow(),
    addressOf: (path) => addressOf(at, path),
    ticket,
    show,
    close: async () => {
      visits.close();
      await close();
    },
  };
}
