import type { OwnerAction } from '../../errors/ownerAction.js';
import type { SetUpForm } from '../../owner/setUp/setUpForm.js';
import { serveBehindDoor, type OpenTicket, type Page } from '../page.js';
import { createSetUpApp, type CodePurpose } from './setUpApp.js';

/** Serves the set-up page on this machine. Throws `unreachable` where no port is free. */
export async function startSetUpPage(
  form: SetUpForm,
  { now, command, open, showCode }: SetUpPageOptions,
): Promise<Page> {
  const page = await serveBehindDoor(
    { now, terminal: command({ kind: 'setUp' }), ...(open === undefined ? {} : { open }) },
    (door) => createSetUpApp({ form, door, command, showCode: (purpose) => showCode(page, purpose) }),
  );
  return page;
}

/** What the set-up page needs of its process. */
export interface SetUpPageOptions {
  readonly now: () => number;
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
  /** Opens an address that lets in, in the owner's browser. */
  readonly open?: OpenTicket;
  /** Shows the page's code where only the owner sees it; false where it cannot be shown. */
  readonly showCode: (page: Pick<Page, 'codeToShow' | 'addressOf'>, purpose: CodePurpose) => Promise<boolean>;
}
