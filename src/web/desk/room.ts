import type { Hono } from 'hono';
import type { ApprovalInbox } from '../../approvals/inbox.js';
import type { OwnerAction } from '../../errors/ownerAction.js';
import type { PageAddress } from '../door/address.js';
import type { VisitContext as Ctx, VisitEnv } from '../door/admission.js';
import type { PageParts } from '../look/layout.js';
import type { Desk } from './desk.js';
import type { SettingParts } from './settings/settingsPage.js';
import type { Shell } from './shell.js';

/** What the desk's pages need. */
export interface DeskPlace {
  readonly desk: Desk;
  readonly inbox: ApprovalInbox;
  readonly now: () => number;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
  /** Where passkeys work, for a path of this visit. */
  readonly passkeyPlace: (c: Ctx, path: string) => Pick<SettingParts, 'atLocalhost' | 'localhostUrl'>;
  readonly page: PageAddress;
}

/** What the routes of one group of pages are added to, and what they share. */
export interface DeskRoom extends DeskPlace {
  readonly app: Hono<VisitEnv>;
  /** What all pages have in common, as it is now. */
  readonly shell: (c: Ctx, at: NonNullable<PageParts['nav']>['at']) => Promise<Shell>;
}
