import type { RejectedOffer } from '../../../payment/challenge.js';
import { describe, expect, it } from 'vitest';
import { findAsset } from '../../../money/asset.js';
import { findNetwork } from '../../../money/network.js';
import { EVM_ASSETS, PAYEE, payable, PAYER, USDC_ON_BASE, v1Offer, v2Offer } from './offer.fixture.js';
import {
  cheapestFirst,
  ECHO_BYTES_MAX,
  isPaymentOffer,
  judgeOffer,
  MAX_TIMEOUT_ASKED_MAX_SEC,
  MAX_TIMEOUT_DEFAULT_SEC,
} from './offer.js';
import type { JsonValue } from '../../../text/json.js';

function rejection(entry: JsonValue, x402Version: 1 | 2 | undefined = 2): RejectedOffer {
  const judged = judgeOffer(entry, { index: 3, x402Version, sharedEchoBytes: 0 });
  if (isPaymentOffer(judged)) throw new Error('the offer was found payable');
  return judged;
}

describe('a payable offer', () => {
  it('is read from v2 with asset and network out of our tables', () => {
    const raw = v2Offer();
    expect(payable(raw, 2, 5)).toEqual({
      index: 5,
      x402Version: 2,
      scheme: 'exact',
      network: findNetwork('eip155:8453'),
      asset: findAsset('eip155:8453', USDC_ON_BASE),
      method: 'eip3009',
      facilitator: null,
      channel: null,
      payTo: PAYEE,
      amountAtomic: 10_000n,
      usdMicros: 10_000n,
      maxTimeoutSeconds: 90,
      raw,
      networkOnWire: 'eip155:8453',
    });
  });

  it('is the same in v1, but for the names on the wire', () => {
    const raw = v1Offer();
    expect(payable(raw, 1)).toEqual({ ...payable(v2Offer()), x402Version: 1, raw, networkOnWire: 'base' });
  });

  it.each([
    ['v1 fields in v2', v2Offer({ amount: undefined, maxAmountRequired: '10000' })],
    ['a v1 name in v2', v2Offer({ network: 'base' })],
    ['both amounts, alike', v2Offer({ maxAmountRequired: '10000' })],
    ['no extra', v2Offer({ extra: undefined })],
    ['extra null', v2Offer({ extra: null })],
    ['extra without the domain', v2Offer({ extra: { receiptId: 'r-1' } })],
    ['a version that is a number', v2Offer({ extra: { name: 'USD Coin', version: 2 } })],
    ['the method named', v2Offer({ extra: { assetTransferMethod: 'eip3009' } })],
    ['the flow named', v2Offer({ extra: { paymentFlow: 'authorization' } })],
    ['settlement before the work', v2Offer({ extra: { paymentFlow: 'upfront' } })],
    ['addresses in lower case', v2Offer({ payTo: PAYEE.toLowerCase(), asset: USDC_ON_BASE.toLowerCase() })],
    ['a payee in upper case', v2Offer({ payTo: `0x${PAYEE.slice(2).toUpperCase()}` })],
    ['fields nobody knows', v2Offer({ decimals: 18, jp: { tax: '1' }, x402Version: 9 })],
    ['null where a field is optional', v2Offer({ maxAmountRequired: null, extra: { paymentFlow: null } })],
  ])('stays payable with %s', (_what, entry) => {
    expect(payable(entry)).toMatchObject({ payTo: PAYEE, amountAtomic: 10_000n });
  });

  it('takes decimals from our table, not from the seller (T3)', () => {
    const offer = payable(v2Offer({ decimals: 18, extra: { decimals: 18 } }));
    expect(offer.asset.decimals).toBe(6);
    expect(offer.usdMicros).toBe(10_000n);
  });

  it('is found for every asset of the table', () => {
    for (const asset of EVM_ASSETS) {
      const entry = v2Offer({ network: asset.network, asset: asset.address, extra: { ...asset.eip712 } });
      expect(payable(entry).asset).toBe(asset);
    }
  });

  it('in a token that takes no signature is found where it is through Permit2, whatever domain it states', () => {
    const entry = { network: 'eip155:137', asset: '0xc2132D05D31c914a87C6611C10748AEb04B58e8F' };
    const extra = { name: 'USDT0', version: '1', assetTransferMethod: 'permit2' };
    expect(payable(v2Offer({ ...entry, extra }))).toMatchObject({ method: 'permit2', usdMicros: 10_000n });
    const plain = rejection(v2Offer({ ...entry, extra: { name: 'USDT0', version: '1' } }));
    expect(plain).toMatchObject({ code: 'unsupported_scheme', usdMicros: 10_000n });
  });

  it('has the largest amount a token can hold', () => {
    const amountAtomic = 2n ** 256n - 1n;
    expect(payable(v2Offer({ amount: amountAtomic.toString() })).amountAtomic).toBe(amountAtomic);
  });
});

describe('amounts (T4)', () => {
  it.each<[JsonValue | undefined]>([
    [undefined],
    [null],
    ['0'],
    ['-1'],
    ['+1'],
    ['01'],
    ['0x10'],
    ['1e4'],
    ['1.5'],
    ['0.5'],
    ['1.0'],
    ['1,000'],
    ['1_000'],
    [' 1'],
    ['1 '],
    ['1\n'],
    ['١'],
    [''],
    ['NaN'],
    ['Infinity'],
    ['1n'],
    [(2n ** 256n).toString()],
    ['9'.repeat(79)],
    ['9'.repeat(500_000)],
    [10_000],
    [1e18],
    [1.5],
    [-1],
    [0],
    [true],
    [['10000']],
    [{ value: '10000' }],
  ])('refuses %j', (amount) => {
    const rejected = rejection(v2Offer({ amount }));
    expect(rejected.code).toBe('malformed_offer');
    expect(rejected.reason).toMatch(/amount/);
    expect(Array.from(rejected.reason).length).toBeLessThan(160);
    expect(rejection(v1Offer({ maxAmountRequired: amount }), 1).code).toBe('malformed_offer');
  });

  it.each<[JsonValue, JsonValue]>([
    ['10000', '10001'],
    ['10000', '010000'],
    ['10000', 10_000],
    ['10000', ''],
    [10_000, '10000'],
  ])('refuses two that differ: %j and %j', (amount, maxAmountRequired) => {
    expect(rejection(v2Offer({ amount, maxAmountRequired })).code).toBe('malformed_offer');
    expect(rejection(v1Offer({ amount, maxAmountRequired }), 1).code).toBe('malformed_offer');
  });
});

describe('the window (T8)', () => {
  it.each<[JsonValue]>([
    ['60'],
    [60.5],
    [-60],
    [0],
    [1e18],
    [MAX_TIMEOUT_ASKED_MAX_SEC + 1],
    [Infinity],
    [true],
    [[60]],
    [{}],
  ])('refuses maxTimeoutSeconds %j', (maxTimeoutSeconds) => {
    expect(rejection(v2Offer({ maxTimeoutSeconds })).code).toBe('malformed_offer');
  });

  it.each([[1], [600], [86_400], [MAX_TIMEOUT_ASKED_MAX_SEC]])(
    'reads %d as the seller asked',
    (maxTimeoutSeconds) => {
      expect(payable(v2Offer({ maxTimeoutSeconds })).maxTimeoutSeconds).toBe(maxTimeoutSeconds);
    },
  );

  it.each([[undefined], [null]])('has a default where it is %s', (maxTimeoutSeconds) => {
    expect(payable(v2Offer({ maxTimeoutSeconds })).maxTimeoutSeconds).toBe(MAX_TIMEOUT_DEFAULT_SEC);
  });
});

describe('payees', () => {
  it.each<[JsonValue | undefined]>([
    [undefined],
    [''],
    ['0x123'],
    ['0x0000000000000000000000000000000000000000'],
    [PAYEE.replace('CbDd', 'cbDd')],
    [`${PAYEE}00`],
    [`${PAYEE} `],
    [PAYEE.slice(2)],
    [PAYEE.replace('0x', '0X')],
    ['vitalik.eth'],
    ['Bo4pBpFK9q897sH49ygiQz5HYywUfVpJMqP3vjwiJnv6'],
    [[PAYEE]],
    [{ address: PAYEE }],
    [0],
  ])('refuses %j', (payTo) => {
    const rejected = rejection(v2Offer({ payTo }));
    expect(rejected.code).toBe('malformed_offer');
    expect(rejected.reason).toMatch(/payee/);
  });
});

describe('schemes and methods (T7)', () => {
  it.each([['Upto'], ['Exact'], ['exact '], ['exact-settled'], ['escrow'], ['__proto__'], ['']])(
    'does not sign the scheme %j',
    (scheme) => {
      expect(rejection(v2Offer({ scheme })).code).toBe('unsupported_scheme');
    },
  );

  it.each<[JsonValue]>([['erc7710'], ['EIP3009'], [''], [['eip3009']], [{}], [1], [false]])(
    'does not transfer by %j',
    (assetTransferMethod) => {
      expect(rejection(v2Offer({ extra: { assetTransferMethod } })).code).toBe('unsupported_scheme');
    },
  );

  it('names a scheme and a method that it knows, and why they are not signed', () => {
    expect(rejection(v2Offer({ scheme: 'auth-capture' })).reason).toMatch(/"auth-capture": its money goes/);
    expect(rejection(v2Offer({ extra: { assetTransferMethod: 'erc7710' } })).reason).toMatch(/ERC-7710/);
    const gateway = {
      ...{ name: 'GatewayWalletBatched', version: '1' },
      verifyingContract: '0x77777777Dcc4d5A8B6E418Fd04D8997ef11000eE',
    };
    expect(rejection(v2Offer({ extra: gateway, maxTimeoutSeconds: 604_900 }))).toMatchObject({
      code: 'unsupported_scheme',
      reason: expect.stringMatching(/Circle Gateway/),
    });
  });

  it('reads a ceiling where it names who settles it, and in the version that has it', () => {
    const facilitatorAddress = PAYER;
    const upto = { scheme: 'upto', extra: { facilitatorAddress } };
    expect(payable(v2Offer(upto))).toMatchObject({
      ...{ scheme: 'upto', method: 'permit2', facilitator: PAYER, amountAtomic: 10_000n },
    });
    expect(rejection(v2Offer({ scheme: 'upto' })).code).toBe('malformed_offer');
    const nobody = { facilitatorAddress: `0x${'0'.repeat(40)}` };
    expect(rejection(v2Offer({ scheme: 'upto', extra: nobody })).code).toBe('malformed_offer');
    const other = { facilitatorAddress, assetTransferMethod: 'eip3009' };
    expect(rejection(v2Offer({ scheme: 'upto', extra: other })).code).toBe('unsupported_scheme');
    expect(rejection(v1Offer(upto), 1).code).toBe('unsupported_scheme');
  });

  it('reads a channel by its terms, and what its seller says that it charged', () => {
    const extra = { receiverAuthorizer: PAYER, withdrawDelay: 86_400, minDeposit: '100000' };
    const channelId = `0x${'AB'.repeat(32)}`;
    const offer = (more: object = {}, over: object = {}) =>
      v2Offer({ scheme: 'batch-settlement', extra: { ...extra, ...more }, ...over });
    expect(payable(offer())).toMatchObject({
      ...{ scheme: 'batch-settlement', method: 'eip3009', payTo: PAYEE, amountAtomic: 10_000n },
      channel: { operator: PAYER, withdrawDelaySec: 86_400, suggestedAtomic: 100_000n, stated: null },
    });
    const channelState = { channelId, chargedCumulativeAmount: '0' };
    expect(payable(offer({ channelState, minDeposit: -1 }))).toMatchObject({
      channel: { suggestedAtomic: null, stated: { channelId: channelId.toLowerCase(), chargedAtomic: 0n } },
    });
    const odd = { channelState: { ...channelState, chargedCumulativeAmount: '1e9' } };
    expect(payable(offer(odd))).toMatchObject({ channel: { stated: null } });
    for (const more of [
      { receiverAuthorizer: undefined },
      { receiverAuthorizer: `0x${'0'.repeat(40)}` },
      ...[899, 2_592_001, 900.5, '900', -1].map((withdrawDelay) => ({ withdrawDelay })),
    ])
      expect(rejection(offer(more as object)).code).toBe('malformed_offer');
    for (const more of [{ assetTransferMethod: 'permit2' }, { paymentFlow: 'escrow' }])
      expect(rejection(offer(more)).code).toBe('unsupported_scheme');
    expect(rejection(v1Offer({ scheme: 'batch-settlement', extra }), 1).code).toBe('unsupported_scheme');
  });

  it('reads Permit2 where the seller asks for it; spender and contract are no fields of an offer', () => {
    const extra = { assetTransferMethod: 'permit2', spender: PAYEE };
    expect(payable(v2Offer({ extra }))).toMatchObject({
      scheme: 'exact',
      method: 'permit2',
      facilitator: null,
    });
  });

  it.each<[JsonValue]>([['escrow'], ['Upfront'], [''], [['upfront']], [true]])(
    'does not follow the flow %j',
    (paymentFlow) => {
      expect(rejection(v2Offer({ extra: { paymentFlow } })).code).toBe('unsupported_scheme');
    },
  );

  it.each<[JsonValue]>([['extra'], [['permit2']], [1], [true]])(
    'does not guess at an extra of %j',
    (extra) => {
      expect(rejection(v2Offer({ extra })).code).toBe('malformed_offer');
    },
  );
});

describe('networks and assets (T3, T5)', () => {
  it.each([
    ['solana-testnet'],
    ['base-mainnet'],
    ['Base'],
    ['eip155:9999'],
    ['eip155:08453'],
    ['hedera:testnet'],
    [''],
  ])('does not know the network %j', (network) => {
    expect(rejection(v2Offer({ network })).code).toBe('unsupported_network');
  });

  it.each([
    ['USDC'],
    ['0x456'],
    [`eip155:8453/erc20:${USDC_ON_BASE}`],
    ['0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02914'],
    ['0x036CbD53842c5426634e7929541eC2318f3dCF7e'],
  ])('does not pay with the asset %j on Base', (asset) => {
    expect(rejection(v2Offer({ asset })).code).toBe('unsupported_asset');
  });

  it('does not pay with a dollar that only Permit2 moves', () => {
    const megaUsd = { network: 'eip155:4326', asset: '0xFAfDdbb3FC7688494971a79cc65DCa3EF82079E7' };
    expect(rejection(v2Offer(megaUsd)).code).toBe('unsupported_network');
  });

  it.each([['scheme'], ['network'], ['asset'], ['payTo'], ['amount']])('misses %s', (field) => {
    expect(rejection(v2Offer({ [field]: undefined })).code).toBe('malformed_offer');
    expect(rejection(v2Offer({ [field]: ['exact'] })).code).toBe('malformed_offer');
  });
});

describe('the signing domain (T6)', () => {
  it.each<[JsonValue]>([
    [{ name: 'USDC', version: '2' }],
    [{ name: 'USD Coin', version: '1' }],
    [{ name: 'usd coin' }],
    [{ version: '2.0' }],
    [{ version: 1 }],
    [{ name: ['USD Coin'] }],
  ])('refuses an offer that states another: %j', (extra) => {
    const rejected = rejection(v2Offer({ extra }));
    expect(rejected.code).toBe('malformed_offer');
    expect(rejected.reason).toMatch(/USD Coin, version 2/);
  });
});

describe('the echo', () => {
  it('refuses an offer too large to be sent back', () => {
    expect(rejection(v2Offer({ outputSchema: 'x'.repeat(ECHO_BYTES_MAX) })).code).toBe('malformed_offer');
  });

  it('counts what else is echoed, for v2 only', () => {
    const context = { index: 0, x402Version: undefined, sharedEchoBytes: ECHO_BYTES_MAX };
    expect(isPaymentOffer(judgeOffer(v2Offer(), context))).toBe(false);
    expect(isPaymentOffer(judgeOffer(v1Offer(), context))).toBe(true);
  });

  it('refuses an offer that nests deeper than it could be written', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as JsonValue;
    expect(rejection(v2Offer({ outputSchema: deep })).code).toBe('malformed_offer');
  });
});

describe('hostile objects', () => {
  it.each([[null], [[]], ['exact'], [1], [true], [{}]])('refuses %j', (entry) => {
    expect(rejection(entry).code).toBe('malformed_offer');
  });

  it('does not read what an object inherits, nor lets __proto__ set it', () => {
    const entry = JSON.parse(`{"__proto__": ${JSON.stringify(v2Offer())}}`) as JsonValue;
    expect(rejection(entry).code).toBe('malformed_offer');
    const tainted = JSON.parse(
      JSON.stringify(v2Offer()).replace('{', '{"__proto__": {"amount": "1"}, "constructor": null, '),
    ) as JsonValue;
    expect(payable(tainted).amountAtomic).toBe(10_000n);
    expect(({} as Record<string, unknown>)['amount']).toBeUndefined();
  });

  it('quotes what the seller wrote clean and short (T16, T27)', () => {
    const { reason } = rejection(v2Offer({ scheme: `\u001b[31m\u202eevil" ${'pay me '.repeat(50_000)}` }));
    expect(reason).toMatch(/^This wallet does not sign the scheme "\[31mevil' pay me .*…"\.$/);
    expect(Array.from(reason).length).toBeLessThan(100);
  });
});

describe('versions', () => {
  it('follows the challenge before the entry', () => {
    expect(payable(v2Offer({ x402Version: 1 }), 2).x402Version).toBe(2);
  });

  it.each([
    [v2Offer({ x402Version: 1 }), 1],
    [v1Offer({ x402Version: 2 }), 2],
    [v1Offer({ x402Version: '1' }), 1],
    [v2Offer(), 2],
    [v1Offer(), 1],
    [v1Offer({ amount: '10000' }), 2],
  ])('reads the entry’s own where the challenge has none (case %#)', (entry, x402Version) => {
    const judged = judgeOffer(entry, { index: 0, x402Version: undefined, sharedEchoBytes: 0 });
    expect(judged).toMatchObject({ x402Version });
  });

  it.each([[3], ['0.1'], [0], [{}]])('does not speak version %j', (x402Version) => {
    const judged = judgeOffer(v2Offer({ x402Version }), {
      index: 0,
      x402Version: undefined,
      sharedEchoBytes: 0,
    });
    expect(judged).toMatchObject({ code: 'unsupported_scheme' });
  });
});

describe('cheapestFirst', () => {
  it('puts the lowest price in dollars first and keeps the seller’s order among equals', () => {
    const offers = ['30', '10', '20', '10'].map((amount, index) => payable(v2Offer({ amount }), 2, index));
    const sorted = cheapestFirst(offers);
    expect(sorted.map((offer) => offer.index)).toEqual([1, 3, 2, 0]);
    expect(offers.map((offer) => offer.index)).toEqual([0, 1, 2, 3]);
    expect(cheapestFirst([])).toEqual([]);
  });

  it('compares amounts no float can tell apart', () => {
    const dear = payable(v2Offer({ amount: (2n ** 200n + 1n).toString() }), 2, 0);
    const cheap = payable(v2Offer({ amount: (2n ** 200n).toString() }), 2, 1);
    expect(cheapestFirst([dear, cheap])[0]).toBe(cheap);
  });
});
