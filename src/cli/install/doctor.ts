import type { OwnerStep } from '../../errors/ownerAction.js';
import { NAPI_MIN } from '../../clients/launch/startFault.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { failed, ok, type Check } from '../../doctor/check.js';
import { checkUpLocally, isNotSetUp } from '../../doctor/checkUp.js';
import { checkUpChains } from '../../doctor/checkUpChain.js';
import { tellOwner } from '../line/line.js';
import { cleanLine } from '../../text/untrusted.js';
import { readCatalogStats } from '../catalog/catalogList.js';
import { checkUpClients } from './clientCheckUp.js';
import type { WalletOptions } from '../../wallet/engine.js';
import type { CommandCall } from '../command.js';
import { painter, type Look } from '../terminal/output/paint.js';
import { printJson, printLines } from '../terminal/output/show.js';
import { lookOptions, withWallet } from '../terminal/wallet.js';

/** A list that agents choose from goes stale; the wallet fetches again by itself when it is used. */
const CATALOGUE_OLD_MS = 7 * 24 * 3600 * 1000;
const LINE_LENGTH_MAX = 1000;

const LOOKS: Readonly<Record<Check['state'], Look>> = { ok: 'green', warn: 'yellow', fail: 'red' };

/** Checks everything the wallet needs and prints a line for each; whatever is broken, it goes on. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const options = lookOptions(call);
  const checks = [
    lookAtNode(),
    ...(await lookAtWallet(call, options)),
    ...(await checkUpClients(call, flags.has('start'))),
  ];
  const url = flags.text('quote');
  if (url !== undefined) checks.push(await lookAtQuote(call, url, options));
  const failures = checks.filter(({ state }) => state === 'fail').length;
  const warnings = checks.filter(({ state }) => state === 'warn').length;
  const message =
    failures > 0
      ? `${failures} of ${checks.length} checks fail.`
      : warnings > 0
        ? `Nothing fails; ${warnings} of ${checks.length} checks warn.`
        : `All ${checks.length} checks are well.`;
  const mendOf = ({ mend }: Check): string | null => tellOwner(mend, io);
  if (flags.has('json')) {
    const lines = checks.map((check) => ({ ...check, mend: mendOf(check) }));
    const status = failures === 0 ? { status: 'ok', code: 'ok' } : { status: 'failed', code: 'unwell' };
    printJson(io, { ...status, message, version: io.version, home, checks: lines });
  } else {
    const paint = painter(io, io.stdout);
    const lines = checks.flatMap((check, i) => {
      const next = checks[i + 1];
      // One mend for several in a row is said once, below the last.
      const mend = next !== undefined && mendOf(next) === mendOf(check) ? null : mendOf(check);
      return [
        `${paint(LOOKS[check.state], check.state.padEnd(4))}  ${cleanLine(`${check.name}: ${check.says}`, LINE_LENGTH_MAX)}`,
        ...(mend === null || check.says.includes(mend) ? [] : [`      ${cleanLine(mend, LINE_LENGTH_MAX)}`]),
      ];
    });
    printLines(io.stdout, [...lines, '', message]);
  }
  return failures === 0 ? 0 : 1;
}

function lookAtNode(): Check {
  const { node, napi } = process.versions;
  if (Number(napi) >= NAPI_MIN) return ok('node', `Node ${node} is new enough.`);
  const says = `Node ${node} is too old: Purser needs 22.14 or later.`;
  return { name: 'node', state: 'fail', says, mend: { say: 'Install a newer Node: https://nodejs.org' } };
}

async function lookAtWallet(
  { io, home }: CommandCall,
  { passphrase, agent }: WalletOptions,
): Promise<Check[]> {
  if (isNotSetUp(home)) {
    const mend: OwnerStep = { say: 'Make one.', action: { kind: 'setUp' } };
    return [{ name: 'wallet', state: 'fail', says: `There is no wallet in ${home} yet.`, mend }];
  }
  const place = { home, passphrase, agent, now: io.now, env: io.env };
  const { checks, config, ...addresses } = await checkUpLocally(place);
  if (config === null) return [...checks];
  return [
    ...checks,
    ...(await checkUpChains(config, addresses, io.now)),
    ...lookAtCatalogues(home, io.now()),
  ];
}

function lookAtCatalogues(home: string, nowMs: number): Check[] {
  const mend: OwnerStep = { say: 'Fetch it now.', action: { kind: 'syncCatalogs' } };
  try {
    const { sources } = readConfigUnauthenticated(home).discovery;
    const states = new Map(readCatalogStats(home)?.sources.map((state) => [state.url, state]));
    return sources.map((url): Check => {
      const name = `catalogue ${new URL(url).host}`;
      const state = states.get(url);
      const at = state?.completedMs ?? null;
      if (state === undefined || at === null)
        return {
          name,
          state: 'warn',
          says: `It was never fetched whole${state?.why ? ` (${state.why})` : ''}.`,
          mend,
        };
      const says = `${state.listings} listings, fetched ${new Date(at).toISOString().slice(0, 10)}.`;
      if (state.why !== null)
        return { name, state: 'warn', says: `${says} The last try ended early (${state.why}).`, mend };
      return nowMs - at > CATALOGUE_OLD_MS ? { name, state: 'warn', says, mend } : ok(name, says);
    });
  } catch (error) {
    return [failed('catalogues', error, 'warn')];
  }
}

/** Asks for a price, as an agent would; the quote is stored and pays nothing. */
async function lookAtQuote(call: CommandCall, url: string, options: WalletOptions): Promise<Check> {
  try {
    const signal = new AbortController().signal;
    const result = await withWallet(call, (wallet) => wallet.quote({ url }, { signal }), options);
    if (result.code === 'quoted') return ok('quote', result.message);
    return { name: 'quote', state: result.status === 'ok' ? 'warn' : 'fail', says: result.message };
  } catch (error) {
    return failed('quote', error);
  }
}
