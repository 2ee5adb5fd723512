import type { ApprovalInbox } from '../../approvals/inbox.js';
import type { OwnerAct } from '../../approvals/confirmation.js';
import type { PasskeyFactor } from '../../approvals/factor.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { InboxWallet } from '../../owner/approvalInbox.js';
import type { Confirmable } from '../../owner/auth/ownerAuth.js';
import type { Page, PageOptions } from '../../web/page.js';
import type { CommandCall } from '../command.js';
import { isInteractive } from '../terminal/io.js';
import { printLines } from '../terminal/output/show.js';

/** Serves the local page over an open wallet, and opens one of its pages in the owner's browser. */
export async function openPage(
  call: CommandCall,
  { keys, ...wallet }: Pick<InboxWallet, 'home' | 'ledger'> & { readonly keys: UnlockedWallet },
  path: string,
  extra: PageExtra = {},
): Promise<Page> {
  const { openInbox } = await import('../../owner/approvalInbox.js');
  const inbox = openInbox({
    ...wallet,
    configMac: (data) => keys.mac('config', data),
    now: call.io.now,
    place: 'page',
  });
  return serve(call, inbox, path, extra);
}

type PageExtra = Pick<PageOptions, 'enrolment' | 'confirmation' | 'desk'>;

async function serve(
  { io }: CommandCall,
  inbox: ApprovalInbox,
  path: string,
  extra: PageExtra,
): Promise<Page> {
  const [{ startPage }, { forwardingWords, openInBrowser }, { ownerCommand }] = await Promise.all([
    import('../../web/page.js'),
    import('../../web/desktop/browser.js'),
    import('../line/line.js'),
  ]);
  const page = await startPage({
    inbox,
    now: io.now,
    command: (action) => ownerCommand(action, io),
    open: (address) => openInBrowser(address, io),
    ...extra,
  });
  const opened = await page.show(path);
  const address = page.addressOf(path);
  const forwarding = forwardingWords(page.port, io.env);
  printLines(io.stderr, [
    opened ? `The page is in your browser. If you do not see it, open ${address}` : `Open ${address}`,
    ...(forwarding === null ? [] : [forwarding]),
    `Where it asks for a code, type ${page.codeToShow()}`,
  ]);
  return page;
}

/** Has a passkey confirm an owner command, in the browser; null for no, or without a terminal. */
export async function confirmInBrowser(
  call: CommandCall,
  act: OwnerAct,
  { keys, ledger, factors }: Confirmable,
): Promise<PasskeyFactor | null> {
  const { io, home } = call;
  if (!isInteractive(io)) return null;
  const { Confirmation } = await import('../../approvals/confirmation.js');
  const confirmation = new Confirmation(act, {
    factors: async () => Promise.resolve(factors()),
    now: io.now,
  });
  const { emptyInbox } = await import('../../owner/emptyInbox.js');
  const page =
    ledger === null
      ? await serve(call, emptyInbox(factors), '/confirm', { confirmation })
      : await openPage(call, { home, ledger, keys }, '/confirm', { confirmation });
  const refuse = (): void => confirmation.refuse();
  process.once('SIGINT', refuse);
  try {
    return await confirmation.done;
  } finally {
    process.off('SIGINT', refuse);
    await page.close();
  }
}
