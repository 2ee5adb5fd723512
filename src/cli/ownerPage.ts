import type { OwnerAct } from '../approvals/confirmation.js';
import type { PasskeyFactor } from '../approvals/factor.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Engine } from '../wallet/engine.js';
import type { Page, PageOptions } from '../web/page.js';
import type { CommandCall } from './command.js';
import { isInteractive } from './io.js';
import { printLines } from './show.js';

/** Serves the local page over an open wallet, and opens one of its pages in the owner's browser. */
export async function openPage(
  { io }: CommandCall,
  wallet: Pick<Engine, 'home' | 'ledger'> & { readonly configMac: (data: string) => Uint8Array },
  path: string,
  extra: Pick<PageOptions, 'enrolment' | 'confirmation'> = {},
): Promise<Page> {
  const [{ openDesk }, { startPage }, { openInBrowser }, { ownerCommand }] = await Promise.all([
    import('../wallet/desk.js'),
    import('../web/page.js'),
    import('../web/browser.js'),
    import('../wallet/ownerCommand.js'),
  ]);
  const { now } = io;
  const desk = openDesk({ ...wallet, now });
  const page = await startPage({ desk, now, command: (args) => ownerCommand(args, io), ...extra });
  const { say } = await openInBrowser(page.urlOf(path), io.env, io.platform);
  printLines(io.stderr, [say]);
  return page;
}

/** Has a passkey confirm an owner command, in the browser; null for no, or without a terminal. */
export async function confirmInBrowser(
  call: CommandCall,
  act: OwnerAct,
  ledger: Ledger,
): Promise<PasskeyFactor | null> {
  const { io, home } = call;
  if (!isInteractive(io)) return null;
  const [{ Confirmation }, { readFactors }] = await Promise.all([
    import('../approvals/confirmation.js'),
    import('../wallet/ownerFactor.js'),
  ]);
  const confirmation = new Confirmation(act, {
    factors: async () => Promise.resolve(readFactors(ledger)),
    now: io.now,
  });
  // This page confirms the one act; it changes no config.
  const configMac = (): Uint8Array => new Uint8Array();
  const page = await openPage(call, { home, ledger, configMac }, '/confirm', { confirmation });
  const refuse = (): void => confirmation.refuse();
  process.once('SIGINT', refuse);
  try {
    return await confirmation.done;
  } finally {
    process.off('SIGINT', refuse);
    await page.close();
  }
}
