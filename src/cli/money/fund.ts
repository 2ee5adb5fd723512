import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import { formatUnits } from '../../money/decimal.js';
import {
  awaitFunding,
  fundingInvoice,
  fundingPlaces,
  type FundingEvent,
  type FundingPlace,
} from '../../treasury/fundingPlaces.js';
import type { Engine } from '../../wallet/engine.js';
import type { CommandCall } from '../command.js';
import { drawQrCode } from '../terminal/output/qrCode.js';
import { printJson, printLines } from '../terminal/output/show.js';
import { lookOptions, untilInterrupted, withEngine } from '../terminal/wallet.js';
import { FORGED, printUnproved } from './address.js';
import type { AtomicAmount } from '../../money/unit.js';

/** Exit code of a wait that was broken off: nothing went wrong, and nothing came. */
const EXIT_NOTHING_CAME = 1;

/** Shows where to send money, and waits for it where asked to. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const json = flags.has('json');
  const unproved = await showUnproved(call);
  if (unproved !== null) return unproved;
  return withEngine(call, async (engine) => {
    const config = await engine.config();
    const all = await fundingPlaces(engine, config, flags.text('network'));
    const { places, invoice, lines } = await byLightning(engine, config, all, flags.text('sat'));
    const qr = io.stdout.isTTY === true;
    if (!json) {
      const shown = await textOf(places, { qr, config });
      const code = invoice === null || !qr ? [] : [await drawQrCode(invoice)];
      printLines(io.stdout, [
        ...shown,
        ...(shown.length > 0 && lines.length > 0 ? [''] : []),
        ...lines,
        ...code,
      ]);
    }
    if (!flags.has('wait')) {
      if (json) printJson(io, { ...fieldsOf(places, null), ...(invoice === null ? {} : { invoice }) });
      return 0;
    }
    const tell = (event: FundingEvent): void => {
      if (!json) printLines(event.kind === 'arrived' ? io.stdout : io.stderr, [sentenceOf(event)]);
    };
    const arrived = await untilInterrupted((signal) => awaitFunding(engine, config, places, tell, signal));
    if (json) printJson(io, fieldsOf(places, arrived));
    return arrived === null ? EXIT_NOTHING_CAME : 0;
  });
}

/** Shows what is noted where the keys are locked, and nobody is asked to unlock them; null where they open. */
async function showUnproved(call: CommandCall): Promise<number | null> {
  const { home, flags } = call;
  if (flags.has('unlock')) return null;
  const [{ knownAddresses, noteAddresses, notedPlaces }, { readConfigUnauthenticated }] = await Promise.all([
    import('../../owner/knownAddresses.js'),
    import('../../config/configFile.js'),
  ]);
  const config = readConfigUnauthenticated(home);
  const options = lookOptions(call);
  const known = await knownAddresses(options);
  if (known.keys !== null) {
    if (known.isNoteForged) printLines(call.io.stderr, [FORGED]);
    await noteAddresses(home, known.keys, config);
    return null;
  }
  const wanted = flags.text('network');
  const places = notedPlaces(config, known.agents, options.agent);
  return printUnproved(
    call,
    known,
    places.filter(({ network }) => wanted === undefined || network.caip2 === wanted),
  );
}

/** The places that have an address, and how the Lightning wallet beside them is filled: it has none. */
async function byLightning(
  engine: Engine,
  config: Config,
  all: readonly FundingPlace[],
  sats: string | undefined,
): Promise<{
  readonly places: readonly FundingPlace[];
  readonly invoice: string | null;
  readonly lines: readonly string[];
}> {
  const places = all.filter(({ network }) => network.family !== 'lightning');
  const network = all.map((place) => place.network).find(({ family }) => family === 'lightning');
  if (network?.family !== 'lightning') return { places, invoice: null, lines: [] };
  if (sats === undefined) {
    const line = `${network.label}: fill the wallet that you connected, or make an invoice with --sat.`;
    return { places, invoice: null, lines: [line] };
  }
  if (!/^[1-9]\d{0,11}$/.test(sats))
    throw new WalletError('bad_input', '--sat must be a whole number of satoshi, such as 10000.');
  const invoice = await fundingInvoice(engine, config, network, BigInt(sats) * MSAT_PER_SAT);
  return { places, invoice, lines: [`${network.label}: pay this invoice over ${sats} sat.`, '', invoice] };
}

const MSAT_PER_SAT = 1_000n;

async function textOf(
  places: readonly FundingPlace[],
  { qr, config }: { readonly qr: boolean; readonly config: { readonly testnet: boolean } },
): Promise<string[]> {
  const lines: string[] = [];
  const addresses = [...new Set(places.map(({ address }) => address))];
  for (const address of addresses) {
    const here = places.filter((place) => place.address === address);
    if (lines.length > 0) lines.push('');
    lines.push(address, '');
    // The address alone: exchanges do not read payment links.
    if (qr) lines.push(await drawQrCode(address));
    lines.push(howTo(here, config.testnet));
  }
  return lines;
}

function howTo(places: readonly FundingPlace[], testnet: boolean): string {
  const named = places.map(({ asset, network }) => `${asset.symbol} on ${network.label}`).join(', or ');
  const [first] = places;
  const { symbol, label } = { symbol: first?.asset.symbol ?? '', label: first?.network.label ?? '' };
  const from = testnet
    ? `This is test money: a faucet for ${symbol} on ${label} gives it.`
    : `From an exchange: withdraw ${symbol}, choose the network ${label} and no other, give this address, and send a small amount first.`;
  const gas =
    first?.network.family === 'svm'
      ? `No SOL is needed: sellers pay the fees, and whoever sends first makes the ${symbol} account.`
      : 'No other coin is needed to pay.';
  return `Send ${named} to this address. ${gas} Another token or another network would not arrive as money this wallet can spend. ${from}`;
}

function sentenceOf(event: FundingEvent): string {
  const { network, asset } = event.place;
  const text = (atomic: AtomicAmount): string => `${formatUnits(atomic, asset.decimals)} ${asset.symbol}`;
  switch (event.kind) {
    case 'arrived':
      return `${text(event.atomic)} arrived on ${network.label}; ${text(event.onChain)} is there now.`;
    case 'watching':
      return `${text(event.onChain)} is on ${network.label} now. Waiting for more; Ctrl-C ends the wait and nothing else.`;
    case 'silent':
      return `No RPC answers for ${network.label}; asking on.`;
    case 'back':
      return `The RPC of ${network.label} answers.`;
  }
}

function fieldsOf(
  places: readonly FundingPlace[],
  arrived: Extract<FundingEvent, { kind: 'arrived' }> | null,
): Record<string, unknown> {
  return {
    status: 'ok',
    code: 'ok',
    message: arrived === null ? 'Send money to one of these addresses.' : sentenceOf(arrived),
    funding: places.map(({ network, asset, address }) => ({
      network: network.caip2,
      label: network.label,
      asset: asset.symbol,
      address,
    })),
    arrived:
      arrived === null
        ? null
        : {
            network: arrived.place.network.caip2,
            asset: arrived.place.asset.symbol,
            amount: formatUnits(arrived.atomic, arrived.place.asset.decimals),
            amount_atomic: arrived.atomic.toString(),
            on_chain_atomic: arrived.onChain.toString(),
          },
  };
}
