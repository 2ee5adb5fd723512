import type { UsdMicros } from '../money/unit.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/settings.js';
import { isLoopback } from '../config/host.js';
import { isWalletError } from '../errors/walletError.js';
import {
  agreedRate,
  hasJumped,
  isFreshRate,
  RATE_AGE_MAX_MS,
  type BitcoinTerms,
  type RateReading,
} from '../money/bitcoin.js';
import { numberToDecimalText, parseUsd } from '../money/decimal.js';
import { findNetwork } from '../money/network.js';
import { readBody } from '../net/body.js';
import { NetFailure } from '../net/failure.js';
import { parseCallUrl } from '../net/destination/url.js';
import { createNet, type Net } from '../net/send.js';
import { replaceFile } from '../platform/durableFile.js';
import { isJsonObject, parseJson, statedField, statedText, type JsonValue } from '../text/json.js';

/** A payment waits for it: sources that are slower are left out. */
const ASK_MS_MAX = 5_000;
/** A list of prices of one place has some kilobytes. */
const ANSWER_BYTES_MAX = 256 * 1024;
/** A rate is read anew long before it is too old, so that a quote can still be paid by it. */
const REREAD_MS = RATE_AGE_MAX_MS / 10;
const FILE = 'bitcoin-rate.json';
const OWNER_ONLY = 0o600;

interface KnownRate {
  /** The setting that it was read by: another one begins anew. */
  readonly source: string;
  readonly usdMicrosPerBtc: UsdMicros;
  readonly atMs: number;
}

/**
 * What bitcoin is worth, by the owner's sources: two that agree, no older than ten minutes, and no leap from the rate before.
 * The last rate is kept in the wallet's folder, for every process to compare with; whoever changes that file can only stop
 * payments by Lightning, or let a leap pass that two sources agree on.
 */
export class BitcoinRate {
  readonly #home: string;
  #known: KnownRate | null = null;
  #reading: Promise<KnownRate | string> | null = null;

  constructor(home: string) {
    this.#home = home;
  }

  /** What offers in bitcoin are priced by now, or why Lightning is off, as a sentence. Never rejects for a fault of a source. */
  async terms(config: Config, net: Net, nowMs: number): Promise<BitcoinTerms | { readonly off: string }> {
    const isEnabled = config.networks.enabled.some((caip2) => findNetwork(caip2)?.family === 'lightning');
    if (!isEnabled) return { off: 'Lightning is off: no Lightning network is enabled in networks.enabled.' };
    const { source } = config.rates;
    const bound = { feeSatMax: config.lightning.maxFeeSat, feePercentMax: config.lightning.maxFeePercent };
    if (source.kind === 'none')
      return { off: 'Lightning is off: rates.source does not say what bitcoin is worth.' };
    if (source.kind === 'fixed')
      return { usdMicrosPerBtc: source.usdMicrosPerBtc.toString(), rateMs: null, ...bound };
    const rate = await this.#current(source.urls, config, net, nowMs);
    return typeof rate === 'string'
      ? { off: `Lightning is off for now: the rate of bitcoin is not known, for ${rate} (rates.source).` }
      : { usdMicrosPerBtc: rate.usdMicrosPerBtc.toString(), rateMs: rate.atMs, ...bound };
  }

  async #current(
    urls: readonly string[],
    config: Config,
    net: Net,
    nowMs: number,
  ): Promise<KnownRate | string> {
    const source = JSON.stringify(urls);
    const known = this.#known;
    const isNew = known !== null && known.source === source && isFreshRate(known.atMs, nowMs);
    if (isNew && nowMs - known.atMs <= REREAD_MS) return known;
    this.#reading ??= this.#read(urls, source, config, net, nowMs).finally(() => (this.#reading = null));
    const read = await this.#reading;
    // Sources that are away for a moment do not stop what an earlier answer of theirs still allows.
    return typeof read === 'string' && isNew ? known : read;
  }

  async #read(
    urls: readonly string[],
    source: string,
    config: Config,
    net: Net,
    nowMs: number,
  ): Promise<KnownRate | string> {
    const readings = await readAll(urls, config, net);
    const agreed = agreedRate(readings.filter((one): one is RateReading => one !== null));
    if (typeof agreed === 'string') return agreed;
    const before = this.#before(source);
    if (before !== null && hasJumped(before, agreed, nowMs))
      return 'it is more than 20 % a day away from the one before; set it by hand if it is true';
    this.#known = { source, usdMicrosPerBtc: agreed, atMs: nowMs };
    await this.#keep(this.#known);
    return this.#known;
  }

  /** The rate that any process of the wallet used last. */
  #before(source: string): KnownRate | null {
    let text: string;
    try {
      text = readFileSync(join(this.#home, FILE), 'utf8');
    } catch {
      return this.#known;
    }
    const kept = parseJson(text);
    if (!isJsonObject(kept) || statedText(kept, 'source') !== source) return null;
    const rate = statedText(kept, 'usd_micros_per_btc') ?? '';
    const atMs = statedField(kept, 'at_ms');
    if (!/^\d{1,20}$/.test(rate) || typeof atMs !== 'number') return null;
    return { source, usdMicrosPerBtc: BigInt(rate), atMs };
  }

  async #keep({ source, usdMicrosPerBtc, atMs }: KnownRate): Promise<void> {
    const text = JSON.stringify({ source, usd_micros_per_btc: usdMicrosPerBtc.toString(), at_ms: atMs });
    // A folder that cannot be written now costs a comparison, and no payment.
    await replaceFile(join(this.#home, FILE), text, { mode: OWNER_ONLY }).catch(() => undefined);
  }
}

/** What a source of rates is told of who asks, where that is not the call's own net: nothing. */
const ASKER = 'rates';

/** What all sources say. A source on this machine is the owner's word that it may be asked. */
async function readAll(urls: readonly string[], config: Config, net: Net): Promise<(RateReading | null)[]> {
  const own = urls.map((url) => new URL(url)).filter(({ hostname }) => isLoopback(hostname));
  const allowPrivate = [...config.net.allowPrivate, ...own.map(hostPortOf)];
  const local =
    own.length === 0 ? null : createNet({ allowPrivate, proxy: config.net.proxy, version: ASKER });
  try {
    return await Promise.all(urls.map((url) => readOne(url, allowPrivate, local ?? net)));
  } finally {
    await local?.close();
  }
}

function hostPortOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}

/** What one source says; null where it says nothing that can be read. */
async function readOne(text: string, allowPrivate: readonly string[], net: Net): Promise<RateReading | null> {
  const url = new URL(text);
  const pointer = decodeURIComponent(url.hash.slice(1));
  url.hash = '';
  const { host } = url;
  try {
    const answer = await net.send(
      {
        method: 'GET',
        url: parseCallUrl(url.href, { allowPrivate }),
        headers: [['accept', 'application/json']],
      },
      {
        deadline: { connectMs: ASK_MS_MAX, firstByteMs: ASK_MS_MAX, wholeMs: ASK_MS_MAX },
        redirects: 'return',
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
    );
    const { bytes } = await readBody(answer, { bytesMax: ANSWER_BYTES_MAX });
    if (answer.status !== 200) return null;
    const price = at(parseJson(new TextDecoder().decode(bytes)), pointer);
    const decimal = typeof price === 'number' ? numberToDecimalText(price) : price;
    return typeof decimal === 'string' ? { host, usdMicrosPerBtc: parseUsd(decimal, 'a rate') } : null;
  } catch (error) {
    if (error instanceof NetFailure || isWalletError(error)) return null;
    throw error;
  }
}

/** The value that a JSON pointer names (RFC 6901). */
function at(value: JsonValue | undefined, pointer: string): JsonValue | undefined {
  let found = value;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) found = /^\d{1,4}$/.test(name) ? found[Number(name)] : undefined;
    else found = isJsonObject(found) ? statedField(found, name) : undefined;
  }
  return found;
}
