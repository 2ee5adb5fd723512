import type { HostFacts } from '../index/hosts.js';
import { labelOf, siteOf } from '../site.js';

/** Names that many know, and the sites that are theirs: a host or title that uses one of them and is not there says so. */
const BRANDS: Readonly<Record<string, readonly string[]>> = {
  openai: ['openai.com'],
  anthropic: ['anthropic.com', 'claude.com'],
  claude: ['anthropic.com', 'claude.com', 'claude.ai'],
  chatgpt: ['openai.com', 'chatgpt.com'],
  gemini: ['google.com', 'googleapis.com'],
  google: ['google.com', 'googleapis.com'],
  microsoft: ['microsoft.com', 'azure.com'],
  amazon: ['amazon.com', 'amazonaws.com'],
  coinbase: ['coinbase.com'],
  binance: ['binance.com'],
  coingecko: ['coingecko.com'],
  coinmarketcap: ['coinmarketcap.com'],
  opensea: ['opensea.io'],
  uniswap: ['uniswap.org'],
  metamask: ['metamask.io'],
  perplexity: ['perplexity.ai'],
  firecrawl: ['firecrawl.dev'],
  tavily: ['tavily.com'],
  exa: ['exa.ai'],
  apollo: ['apollo.io'],
  clearbit: ['clearbit.com'],
  hunter: ['hunter.io'],
  linkedin: ['linkedin.com'],
  twitter: ['twitter.com', 'x.com'],
  reddit: ['reddit.com'],
  github: ['github.com'],
  stripe: ['stripe.com'],
  paypal: ['paypal.com'],
  twilio: ['twilio.com'],
  sendgrid: ['sendgrid.com'],
  cloudflare: ['cloudflare.com'],
  pinata: ['pinata.cloud'],
  neynar: ['neynar.com'],
  heurist: ['heurist.ai', 'heurist.xyz'],
  aixbt: ['aixbt.tech'],
  elevenlabs: ['elevenlabs.io'],
  deepgram: ['deepgram.com'],
  huggingface: ['huggingface.co', 'hf.co'],
  bloomberg: ['bloomberg.com'],
  alchemy: ['alchemy.com'],
  quicknode: ['quicknode.com'],
  nansen: ['nansen.ai'],
  chainalysis: ['chainalysis.com'],
};

/** Brands that are everyday words count only as a whole label of a host, never in a title. */
const EVERYDAY: readonly string[] = ['exa', 'hunter', 'apollo', 'gemini', 'alchemy', 'amazon', 'claude'];

/** A name that has ten times the payers is the one that people mean. */
const NAMESAKE_FACTOR = 10;
const NAMESAKE_PAYERS_MIN = 10;
const NEW_DAYS = 7;
const DAY_MS = 86_400_000;

/** Something about a listing that its reader should know before paying. The sentence is ours; hosts in it are ASCII. */
export interface Signal {
  readonly name:
    'brand_in_host' | 'brand_in_title' | 'looks_like' | 'unusual_letters' | 'shared_payee' | 'new';
  readonly message: string;
}

/** What signals are read from. */
export interface SignalFacts {
  readonly host: string;
  readonly title: string | null;
  readonly hostFacts: HostFacts;
  /** Other sites whose listings name the same payee. */
  readonly payeeSites: readonly string[];
  readonly nowMs: number;
}

/** The signals of one listing (T17). Hints: none of them decides anything. */
export function signalsOf(facts: SignalFacts): Signal[] {
  const { host, hostFacts, payeeSites, nowMs } = facts;
  const signals = brandSignals(facts);
  if (/(^|\.)xn--/.test(host)) {
    signals.push({
      name: 'unusual_letters',
      message: 'the host is written in letters that may look like others',
    });
  }
  const [namesake] = hostFacts.namesakes;
  const known = namesake !== undefined && namesake.payers >= NAMESAKE_PAYERS_MIN;
  if (known && namesake.payers >= NAMESAKE_FACTOR * hostFacts.payers) {
    signals.push({ name: 'looks_like', message: `reads like ${namesake.host}, which is far more used` });
  }
  const [other] = payeeSites;
  if (other !== undefined) {
    const more = payeeSites.length === 1 ? '' : ` and ${payeeSites.length - 1} more`;
    signals.push({ name: 'shared_payee', message: `pays the same address as ${other}${more}` });
  }
  const ageMs = hostFacts.firstSeenMs === null ? null : nowMs - hostFacts.firstSeenMs;
  if (ageMs !== null && ageMs < NEW_DAYS * DAY_MS) {
    signals.push({ name: 'new', message: `first seen ${Math.max(0, Math.floor(ageMs / DAY_MS))} days ago` });
  }
  return signals;
}

function brandSignals({ host, title }: SignalFacts): Signal[] {
  const site = siteOf(host);
  const hostWords = host.toLowerCase().replace(/:\d+$/, '').split(/[.-]/);
  const titleWords: readonly string[] = (title ?? '').toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
  const label = labelOf(host);
  for (const [brand, sites] of Object.entries(BRANDS)) {
    if (sites.includes(site)) return [];
    const inHost = hostWords.includes(brand) || (brand.length > 5 && label.includes(brand));
    if (inHost) {
      return [
        { name: 'brand_in_host', message: `the host names ${brand} and is not ${sites[0] ?? 'theirs'}` },
      ];
    }
  }
  for (const [brand, sites] of Object.entries(BRANDS)) {
    if (EVERYDAY.includes(brand) || sites.includes(site) || !titleWords.includes(brand)) continue;
    return [
      { name: 'brand_in_title', message: `named after ${brand}, and not on ${sites[0] ?? 'its site'}` },
    ];
  }
  return [];
}
