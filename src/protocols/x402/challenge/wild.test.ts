import type { EndpointAnswer } from '../../../payment/challenge.js';
import { Buffer } from 'node:buffer';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../../text/json.js';
import { parsePaymentRequired, refusalOf } from './parse.js';

/**
 * Answers recorded from real services, kept beside the repository and not in it: they are other people's text.
 * Where the folder is absent these tests are skipped; parse.test.ts covers the same shapes with fixtures of ours.
 */
const FOLDER = fileURLToPath(new URL('../../../../../shared/wild/', import.meta.url));
const isPresent = existsSync(FOLDER);

/**
 * What each recorded answer must come to: null where it is no demand for payment; else the atomic price of each
 * offer that can be paid, the codes of those that cannot, and the other protocols named.
 */
const VERDICTS: Record<string, { pay: string[]; not: string[]; other?: string[] } | null> = {
  '001-x402scan-v1-ai-api-sbx.aeon.xyz': { pay: [], not: ['malformed_offer'] },
  '002-x402scan-v1-api.itsgloria.ai': { pay: ['10000'], not: [] },
  '003-x402scan-v1-places-api.x402hub.xyz': { pay: ['10000'], not: [] },
  '004-x402scan-v1-staging-echo.merit.systems': { pay: ['1000000'], not: [] },
  '005-x402scan-v1-staging.toolkit.dev': { pay: ['50000'], not: [] },
  '006-x402scan-v1-true-cast-agent.vercel.app': { pay: ['100000'], not: [] },
  '007-x402scan-v1-www.remixme.xyz': { pay: ['1000000'], not: [] },
  '008-x402scan-v1-www.remixme.xyz': { pay: ['500000'], not: [] },
  '009-x402scan-v1-api.aixbt.tech': { pay: ['2000000'], not: [] },
  '010-x402scan-v1-example.com': { pay: [], not: ['unsupported_asset'] },
  '011-x402scan-v1-example.com': { pay: ['1000'], not: [] },
  '012-x402scan-v1-example.com': { pay: ['1000'], not: [] },
  '013-x402scan-v1-example.com': { pay: ['1000'], not: [] },
  '014-ultravioleta-tenjin': { pay: ['100000'], not: [] },
  '015-ultravioleta-v2hdr': { pay: ['100000'], not: [] },
  '016-402index-x402-v2-ping': { pay: ['10000', '10000'], not: [] },
  '017-402index-direct-l402-macaroon': { pay: [], not: [], other: ['l402', 'mpp'] },
  '018-402index-direct-l402-token': { pay: [], not: [], other: ['l402'] },
  '019-402index-l402space-402': { pay: [], not: [], other: ['l402'] },
  '020-402index-lsat-scheme': { pay: [], not: [], other: ['l402'] },
  '021-402index-non-l402-scheme': { pay: [], not: [], other: ['mpp'] },
  '022-402index-both-credentials': { pay: [], not: [], other: ['l402', 'mpp'] },
  '023-mpp-openai-tempo-session': { pay: [], not: [], other: ['mpp'] },
  '024-jpyc-v1-caip2': { pay: [], not: ['unsupported_asset'] },
  '025-gofetch-v2-body-and-header': { pay: ['5000'], not: [] },
  '026-snack-money-v1-relative-to-root': { pay: ['10000'], not: [] },
  '027-oklink-v2-aggr-deferred': { pay: [], not: ['unsupported_asset', 'unsupported_scheme'] },
  '028-oklink-v2-rejected-insufficient-balance': {
    pay: [],
    not: ['unsupported_asset', 'unsupported_scheme'],
  },
  '029-coinank-mpp-and-x402': { pay: [], not: ['unsupported_asset', 'unsupported_scheme'] },
  '030-okb-v1-caip2-decimals': { pay: [], not: ['unsupported_asset'] },
  '031-predexon-v2-custom-body': { pay: [], not: ['unsupported_asset'] },
  '032-0g-exact-settled-v1': { pay: [], not: ['unsupported_scheme'] },
  '033-casper-native-v1': { pay: [], not: ['unsupported_network'] },
  // The recording shortened the addresses.
  '034-hivery-v1-in-base64url-header': { pay: [], not: ['unsupported_asset'] },
  '035-algorand-v2': { pay: [], not: ['unsupported_network'] },
  '036-hedera-v2-with-v1-fields': { pay: [], not: ['unsupported_network'] },
  '037-x402-bold-float-amount': { pay: [], not: ['unsupported_asset'] },
  '038-x402bpunk-ticker-asset': { pay: [], not: ['unsupported_asset'] },
  '039-openpay-jpyc-split': { pay: [], not: ['unsupported_asset'] },
  '040-java-readme-relative-resource': { pay: [], not: ['unsupported_asset'] },
  '041-sans-accepts': null,
  '042-nous-portal-v1-solana': { pay: [], not: ['malformed_offer'] },
  '043-ref-express-2.27-exact': { pay: ['10000'], not: [] },
  '044-ref-express-2.27-permit2': { pay: ['10000'], not: [] },
  '045-ref-express-2.27-upto': { pay: ['50000'], not: [] },
  '046-ref-mppx-tempo-charge': { pay: [], not: [], other: ['mpp'] },
  // A page of a catalogue.
  '047-bazaar-page-payai': null,
  '048-shape-wintyx57': { pay: [], not: ['malformed_offer'] },
  '049-shape-wintyx57': { pay: [], not: ['unsupported_network'] },
  '050-shape-wintyx57': { pay: [], not: ['unsupported_network'] },
  '051-shape-wintyx57': { pay: ['5000'], not: [] },
  '052-shape-wintyx57': { pay: ['5000'], not: [] },
  '053-shape-atxp-dev': { pay: [], not: ['malformed_offer', 'malformed_offer', 'malformed_offer'] },
  '054-shape-atxp-dev': { pay: [], not: ['malformed_offer'] },
  '055-shape-atxp-dev': { pay: [], not: ['malformed_offer'] },
  '056-shape-atxp-dev': { pay: [], not: ['malformed_offer', 'malformed_offer'] },
  '057-shape-atxp-dev': { pay: [], not: ['malformed_offer', 'malformed_offer'] },
  '058-shape-atxp-dev': { pay: [], not: ['malformed_offer', 'malformed_offer'] },
  '059-shape-atxp-dev': { pay: [], not: ['malformed_offer'] },
  '060-shape-atxp-dev': { pay: [], not: ['malformed_offer', 'malformed_offer'] },
  '061-shape-onchainexpat': { pay: ['2000'], not: [] },
  '062-shape-onchainexpat': { pay: [], not: ['unsupported_asset'] },
  '063-shape-onchainexpat': { pay: [], not: ['unsupported_asset'] },
  '064-shape-onchainexpat': { pay: [], not: ['unsupported_asset'] },
  '065-shape-onchainexpat': { pay: [], not: ['unsupported_scheme', 'unsupported_asset'] },
  '066-shape-onchainexpat': { pay: [], not: ['unsupported_asset', 'unsupported_scheme'] },
  '067-shape-onchainexpat': { pay: [], not: ['unsupported_scheme'] },
  '068-shape-onchainexpat': { pay: [], not: ['malformed_offer'] },
  '069-shape-onchainexpat': { pay: [], not: ['malformed_offer'] },
  '070-shape-open-wallet-standard': { pay: [], not: ['malformed_offer'] },
  '071-shape-open-wallet-standard': { pay: [], not: ['unsupported_asset'] },
  '072-shape-open-wallet-standard': { pay: [], not: ['malformed_offer'] },
  '073-shape-open-wallet-standard': { pay: [], not: ['malformed_offer'] },
  '074-shape-open-wallet-standard': { pay: [], not: ['unsupported_asset'] },
  '075-shape-open-wallet-standard': { pay: [], not: ['unsupported_asset'] },
  '076-shape-open-wallet-standard': { pay: ['10000'], not: [] },
  '077-shape-open-wallet-standard': { pay: [], not: ['malformed_offer'] },
};

interface Recording {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: JsonValue | undefined;
  /** The challenge in it, wherever it stood. */
  readonly challenge: JsonObject | undefined;
}

function load(name: string): Recording {
  const recording = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as JsonObject;
  const headers = Object.entries((recording['headers'] ?? {}) as Record<string, string>);
  const inHeader = headers.some(([header]) => header === 'payment-required');
  const decoded = statedField(recording, 'decoded');
  const body =
    statedField(recording, 'body') ?? statedField(recording, 'page') ?? (inHeader ? undefined : decoded);
  const challenge = [decoded, body].find((value) => isJsonObject(value) && Object.hasOwn(value, 'accepts'));
  return { headers, body, challenge: isJsonObject(challenge) ? challenge : undefined };
}

function answerWith(headers: EndpointAnswer['headers'], body: JsonValue | undefined): EndpointAnswer {
  const bodyText = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  return { status: 402, headers, bodyText, requestUrl: 'https://recorded.example/' };
}

function verdictOf(answer: EndpointAnswer) {
  const required = parsePaymentRequired(answer);
  if (required === null) return null;
  return {
    pay: required.offers.map((offer) => offer.amountAtomic.toString()),
    not: required.rejected.map((entry) => entry.code),
    ...(required.otherProtocols.length > 0 ? { other: required.otherProtocols } : {}),
  };
}

describe.skipIf(!isPresent)('recorded answers of real services', () => {
  it('has a verdict here for each of them', () => {
    const names = readdirSync(FOLDER).filter((file) => /^\d{3}-.*\.json$/.test(file));
    expect(Object.keys(VERDICTS).sort()).toEqual(names.map((file) => file.replace(/\.json$/, '')).sort());
    expect(names).toHaveLength(77);
  });

  it.each(Object.entries(VERDICTS))('%s', (name, verdict) => {
    const { headers, body } = load(name);
    const answer = answerWith(headers, body);
    expect(verdictOf(answer)).toEqual(verdict);
    if (verdict?.pay.length === 0) expect(refusalOf(parsePaymentRequired(answer)).reason).toMatch(/\.$/);
  });

  it('comes to the same, however the challenge is carried', () => {
    const names = Object.keys(VERDICTS).filter((name) => load(name).challenge !== undefined);
    expect(names.length).toBeGreaterThan(60);
    for (const name of names) {
      const { headers, challenge } = load(name);
      if (challenge === undefined) continue;
      const others = headers.filter(([header]) => header !== 'payment-required');
      const bytes = Buffer.from(JSON.stringify(challenge), 'utf8');
      const carried = [
        answerWith(others, challenge),
        ...(['base64', 'base64url', 'latin1'] as const).map((encoding) =>
          answerWith([...others, ['payment-required', bytes.toString(encoding)]], {}),
        ),
      ];
      for (const answer of carried) expect([name, verdictOf(answer)]).toEqual([name, VERDICTS[name]]);
    }
  });
});
