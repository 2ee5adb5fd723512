import { resolve } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import type { AdminParts } from '../../server/admin/parts.js';
import type { OpenAdmin } from '../../server/adminKeeper.js';
import type { ServeOwnerPage } from '../../server/ownerPageKeeper.js';
import type { CommandCall, Flags } from '../command.js';
import { readSecretFile } from '../setUp/passphrase.js';
import { printJson, printLines } from '../terminal/output/show.js';
import { walletOptions } from '../terminal/wallet.js';

const PORT_MAX = 65_535;

/** Serves the wallet over HTTP until it is stopped. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const port = portOf(flags, 'port');
  const healthPort = portOf(flags, 'healthPort') ?? null;
  const tokenFile = flags.text('metricsTokenFile');
  if (tokenFile !== undefined && healthPort === null)
    throw new WalletError('bad_input', '--metrics-token-file goes with --health-port.');
  const metricsToken =
    tokenFile === undefined ? null : await readSecretFile(io, '--metrics-token-file', tokenFile);
  const { serveHttpWallet } = await import('../../server/serve.js');
  return serveHttpWallet({
    wallet: walletOptions(call),
    binding: {
      host: flags.text('host'),
      allowHosts: flags.list('allowHost'),
      behindProxy: flags.has('behindProxy'),
    },
    port,
    socket: socketOf(flags),
    tls: tlsOf(flags),
    healthPort,
    metricsToken,
    logFile: flags.text('logFile'),
    ownerPage: ownerPageOf(call),
    admin: adminOf(call),
    ready: ({ url, socket, healthUrl, ownerPageUrl }) => {
      const places = { url, socket, health_url: healthUrl, owner_page_url: ownerPageUrl };
      if (flags.has('json')) printJson(io, { status: 'ok', code: 'ok', ...places });
      else
        printLines(io.stdout, [
          ...(url === null ? [] : [`Serving at ${url}`]),
          ...(socket === null ? [] : [`Serving at the socket ${socket}`]),
          ...(url === null && socket === null ? ['Serving at the sockets that were handed over'] : []),
          ...(healthUrl === null ? [] : [`Health at ${healthUrl}`]),
          ...(ownerPageUrl === null ? [] : [`Your page is at ${ownerPageUrl}`]),
        ]);
    },
  });
}

/** How the owner's page is served beside the agents, over the wallet that is open for them; undefined where it is not. */
function ownerPageOf(call: CommandCall): ServeOwnerPage | undefined {
  const listen = call.flags.text('ownerPage');
  if (listen === undefined) return undefined;
  return async (engine) => {
    const [{ servePhone }, { openNotices }] = await Promise.all([
      import('../phone/phonePage.js'),
      import('../../ledger/stores.js'),
    ]);
    // The server looks after the notices already.
    const notices = openNotices(call.home, engine.now());
    const page = await servePhone(call, engine, engine.closing, { listen, notices });
    return {
      url: page.addressOf('/home'),
      close: async () => {
        await page.close();
        notices.close();
      },
    };
  };
}

/** The owner's side of the wallet, as its pages have it, for the admin API. */
function adminOf(call: CommandCall): OpenAdmin {
  return async (engine) => {
    const [{ deskOf }, { openInbox }, { makeTemplateAgent }, { openMovements }] = await Promise.all([
      import('../approvals/open.js'),
      import('../../owner/approvalInbox.js'),
      import('../../owner/newAgent.js'),
      import('../../ledger/stores.js'),
    ]);
    const { home } = call;
    const { ledger, keys, closing } = engine;
    const now = (): number => engine.now();
    const book = openMovements(home);
    closing.addEventListener('abort', () => book.close(), { once: true });
    const desk = deskOf(call, engine, book, closing);
    const configMac = (data: string): Uint8Array => keys.mac('config', data);
    const inbox = openInbox({
      home,
      ledger,
      configMac,
      now,
      place: 'page',
      somebody: 'a client of the admin API',
    });
    const { config, settings, acts, budgets, freeze, suspend } = desk;
    const readStatement: AdminParts['readStatement'] = (period) =>
      desk.readStatement(period, (ms) => new Date(ms).toISOString());
    const addAgent: AdminParts['addAgent'] = async (spec) => {
      const made = await makeTemplateAgent({ home, keys, ledger, now }, spec);
      engine.renewCheckpoint();
      return made;
    };
    return { ledger, config, settings, acts, budgets, freeze, suspend, inbox, readStatement, addAgent, now };
  };
}

/** The port that a flag names; undefined where it is not given. Throws `bad_input`. */
export function portOf(flags: Flags, name: string): number | undefined {
  const port = flags.count(name);
  if (port !== undefined && port > PORT_MAX)
    throw new WalletError('bad_input', `A port is at most ${PORT_MAX}.`);
  return port;
}

function socketOf(flags: Flags): string | undefined {
  const path = flags.text('socket');
  return path === undefined ? undefined : resolve(path);
}

/** The files of TLS, or null for none. Throws `bad_input`. */
export function tlsOf(flags: Flags): { readonly cert: string; readonly key: string } | null {
  const cert = flags.text('tlsCert');
  const key = flags.text('tlsKey');
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return null;
  throw new WalletError('bad_input', '--tls-cert and --tls-key go together.');
}
