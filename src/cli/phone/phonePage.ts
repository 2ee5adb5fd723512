import { readFile } from 'node:fs/promises';
import type { Enrolment } from '../../approvals/enrolment.js';
import { WalletError } from '../../errors/walletError.js';
import type { NoticeBook } from '../../ledger/books/notice.js';
import { openMovements } from '../../ledger/stores.js';
import { openInbox } from '../../owner/approvalInbox.js';
import { openEntry } from '../../owner/auth/ownerEntry.js';
import { watchNotices } from '../../owner/notices/noticeWatch.js';
import type { Engine } from '../../wallet/engine.js';
import type { OutsideListen } from '../../web/door/machineServer.js';
import { notifyDesktop } from '../../web/desktop/notification.js';
import { startPage, type Page } from '../../web/page.js';
import { deskOf } from '../approvals/open.js';
import type { CommandCall } from '../command.js';
import { ownerCommand } from '../line/line.js';

const LISTEN_DEFAULT = '127.0.0.1:4403';
const PORT_MAX = 65_535;

/** What is served beside the desk, and where. */
export interface PhoneParts {
  /** A passkey that is being added. */
  readonly enrolment?: Enrolment;
  /** `host:port`; what the flags say unless given. */
  readonly listen?: string;
  /** Where somebody looks after the notices already. */
  readonly notices?: NoticeBook;
}

/**
 * Serves the owner's page to who comes from elsewhere, over an open wallet, until `over` aborts. Throws `bad_input` where
 * owner_page.url is not set, or for flags that do not go together, and `unreachable` where the address cannot be had.
 */
export async function servePhone(
  call: CommandCall,
  engine: Engine,
  over: AbortSignal,
  { enrolment, listen, notices }: PhoneParts = {},
): Promise<Page> {
  const { io, home } = call;
  const { url } = (await engine.config()).ownerPage;
  if (url === 'none')
    throw new WalletError('bad_input', 'Your page has no address that a phone reaches.', {
      owner: {
        say: 'Set where your phone reaches it: a name of yours with TLS.',
        action: { kind: 'chooseSetting', key: 'owner_page.url', example: 'URL' },
      },
    });
  const address = { origin: new URL(url).origin, rpId: new URL(url).hostname };
  const { ledger, keys } = engine;
  const now = (): number => engine.now();
  const book = openMovements(home);
  const place = await listenOf(call, listen ?? call.flags.text('listen') ?? LISTEN_DEFAULT);
  const watched = (): NoticeBook =>
    watchNotices(engine, {
      version: io.version,
      showDesktop: (text) => notifyDesktop({ text, stays: false }, io.env, io.platform),
    }).book;
  over.addEventListener('abort', () => book.close(), { once: true });
  return startPage({
    inbox: openInbox({ home, ledger, configMac: (data) => keys.mac('config', data), now, place: 'page' }),
    now,
    command: (action) => ownerCommand(action, io),
    desk: { ...deskOf(call, engine, book, over), notices: notices ?? watched() },
    outside: { address, listen: place, entry: openEntry(ledger, address, now) },
    ...(enrolment === undefined ? {} : { enrolment }),
  });
}

async function listenOf({ flags }: CommandCall, text: string): Promise<OutsideListen> {
  const [, host = '', portText = ''] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (host === '' || port > PORT_MAX)
    throw new WalletError(
      'bad_input',
      'Your page is served at an address and a port, such as 127.0.0.1:4403.',
    );
  const [cert, key] = [flags.text('tlsCert'), flags.text('tlsKey')];
  if ((cert === undefined) !== (key === undefined))
    throw new WalletError('bad_input', '--tls-cert and --tls-key go together.');
  if (cert === undefined || key === undefined) return { host, port, tls: null };
  return { host, port, tls: { cert: await readPem(cert), key: await readPem(key) } };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new WalletError('bad_input', `${file} cannot be read.`, { cause: error });
  }
}
