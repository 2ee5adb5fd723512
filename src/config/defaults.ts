import type { Caip2 } from '../money/network.js';

/** One cent, in millionths of a dollar. */
export const CENT = 10_000n;

/** Networks that a new wallet may pay on; at equal price Base is taken first. */
export const MAINNETS: readonly Caip2[] = [
  'eip155:8453',
  'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  'eip155:4217',
];
export const TESTNETS: readonly Caip2[] = [
  'eip155:84532',
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  'eip155:42431',
];

export const ELICITATION_MAX = 200n * CENT;
export const WAIT_SEC = 45;

/**
 * Lists of priced endpoints that a new wallet searches: they need no key, cost nothing, and are only ever fetched
 * whole, by a wallet whose agent looks for something.
 */
export const CATALOGUES: readonly string[] = [
  'https://api.cdp.coinbase.com/platform/v2/x402/discovery/resources',
  'https://facilitator.payai.network/discovery/resources',
  'https://facilitator.daydreams.systems/discovery/resources',
  'https://facilitator.corbits.dev/discovery/resources',
  'https://facilitator.heurist.xyz/discovery/resources',
  'https://pay.openfacilitator.io/discovery/resources',
  'https://facilitator.ultravioletadao.xyz/discovery/resources',
  'https://mpp.dev/api/services',
  'https://402index.io/api/v1/services',
  'https://catalog.pay.sh/v1/skills.json',
];
/** The one that lists endpoints for test money. */
export const TEST_CATALOGUES: readonly string[] = ['https://x402.org/facilitator/discovery/resources'];

/** Public facilitators that ask for no key. One that refuses costs nothing: gas is the other way. */
export const FACILITATOR = 'https://facilitator.payai.network';
export const TEST_FACILITATOR = 'https://x402.org/facilitator';

export const PER_CALL = 50n * CENT;
export const PER_SESSION = 200n * CENT;
export const PER_DAY = 500n * CENT;
export const PER_MONTH = 5_000n * CENT;
