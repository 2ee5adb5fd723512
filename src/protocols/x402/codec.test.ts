import { x402Client } from '@x402/core/client';
import { decodePaymentSignatureHeader, encodePaymentRequiredHeader, x402HTTPClient } from '@x402/core/http';
import { PaymentPayloadV1Schema, PaymentPayloadV2Schema } from '@x402/core/schemas';
import { x402ResourceServer } from '@x402/core/server';
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import type { FacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme as ExactEvmClient } from '@x402/evm/exact/client';
import { ExactEvmScheme as ExactEvmFacilitator } from '@x402/evm/exact/facilitator';
import { NETWORKS } from '@x402/evm/v1';
import { ExactEvmSchemeV1 as ExactEvmClientV1 } from '@x402/evm/exact/v1/client';
import { ExactEvmSchemeV1 as ExactEvmFacilitatorV1 } from '@x402/evm/exact/v1/facilitator';
import { recoverTypedDataAddress } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { findNetwork } from '../../money/network.js';
import { buildTransferIntent, toExactEvmPayload } from './authorization.js';
import { encodePayment, paymentIdentifierOf } from './codec.js';
import {
  PAYEE,
  PAYER,
  PAYER_KEY,
  REQUEST_URL,
  v1Challenge,
  v1Offer,
  v2Challenge,
  v2Offer,
  EVM_ASSETS,
  onEvm,
} from './challenge/offer.fixture.js';
import { parsePaymentRequired } from './challenge/parse.js';
import type { ExactEvmPayload, PaymentOffer, PaymentRequired } from './types.js';
import type { JsonObject } from '../../text/json.js';

const payer = privateKeyToAccount(PAYER_KEY);
const IDENTIFIER = 'pay_0123456789abcdef';

const TRANSFER_TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** The reference verifier's view of a chain on which every token is there and every transfer would go through. */
const willingChain: FacilitatorEvmSigner = {
  getAddresses: () => [PAYEE],
  readContract: () => Promise.resolve(undefined),
  verifyTypedData: async ({ address, signature, ...typedData }) =>
    (await recoverTypedDataAddress({ ...typedData, signature } as Parameters<
      typeof recoverTypedDataAddress
    >[0])) === address,
  writeContract: () => Promise.reject(new Error('a verifier writes nothing')),
  sendTransaction: () => Promise.reject(new Error('a verifier sends nothing')),
  waitForTransactionReceipt: () => Promise.reject(new Error('a verifier waits for nothing')),
  getCode: ({ address }) => Promise.resolve(address === PAYER ? '0x' : '0x6001'),
};

function demand(challenge: JsonObject): { required: PaymentRequired; offer: PaymentOffer } {
  const value = encodePaymentRequiredHeader(challenge as never);
  const headers = [['payment-required', value]] as const;
  const required = parsePaymentRequired({ status: 402, headers, bodyText: '', requestUrl: REQUEST_URL });
  const offer = required?.offers[0];
  if (required === null || offer === undefined) throw new Error('nothing to pay was read');
  return { required, offer };
}

async function sign(offer: PaymentOffer): Promise<ExactEvmPayload> {
  const nonce = `0x${'5c'.repeat(32)}` as const;
  const intent = buildTransferIntent({ offer: onEvm(offer), from: PAYER, nonce, nowMs: Date.now() });
  const signature = await payer.signTypedData({
    domain: { ...intent.asset.eip712, chainId: intent.chainId, verifyingContract: intent.asset.address },
    types: TRANSFER_TYPES,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: intent.from,
      to: intent.to,
      value: intent.amountAtomic,
      validAfter: BigInt(intent.validAfterSec),
      validBefore: BigInt(intent.validBeforeSec),
      nonce: intent.nonce,
    },
  });
  return toExactEvmPayload(intent, signature);
}

function decode(headerValue: string): PaymentPayload {
  return decodePaymentSignatureHeader(headerValue);
}

describe('a v2 payment', () => {
  it('is what the reference client would send', async () => {
    const challenge = v2Challenge([v2Offer()], {
      extensions: { bazaar: { info: { input: { type: 'http' } } } },
    });
    const { required, offer } = demand(challenge);
    const payload = await sign(offer);
    const ours = encodePayment(offer, required, payload);
    const client = new x402Client().register('eip155:*', new ExactEvmClient(payer));
    const theirs = await client.createPaymentPayload(challenge as never);
    // Some sellers read these at the top of v2 as well.
    const top = { scheme: 'exact', network: offer.networkOnWire };
    expect(decode(ours.headerValue)).toEqual(JSON.parse(JSON.stringify({ ...theirs, ...top, payload })));
    expect(Object.keys(new x402HTTPClient(client).encodePaymentSignatureHeader(theirs))).toEqual([
      ours.headerName,
    ]);
    expect(Object.keys(payload).sort()).toEqual(Object.keys(theirs.payload).sort());
  });

  it.each(EVM_ASSETS.map((asset) => [asset.symbol, asset.network, asset] as const))(
    'passes the reference server and verifier for %s on %s',
    async (_symbol, network, asset) => {
      const entry = v2Offer({ network, asset: asset.address, extra: { ...asset.eip712, receiptId: 'r-1' } });
      const extensions = { 'payment-identifier': { info: { required: true }, schema: { type: 'object' } } };
      const challenge = v2Challenge([v2Offer({ scheme: 'upto' }), entry], { extensions });
      const { required, offer } = demand(challenge);
      const { headerValue } = encodePayment(offer, required, await sign(offer), {
        paymentIdentifier: IDENTIFIER,
      });
      const decoded = decode(headerValue);
      expect(PaymentPayloadV2Schema.safeParse(decoded).error).toBeUndefined();
      const server = new x402ResourceServer();
      const accepts = challenge['accepts'] as unknown as PaymentRequirements[];
      expect(server.findMatchingRequirements(accepts, decoded)).toEqual(entry);
      expect(server.validateExtensions(challenge as never, decoded)).toEqual({ valid: true });
      const verdict = await new ExactEvmFacilitator(willingChain).verify(decoded, entry as never);
      expect(verdict).toEqual({ isValid: true, invalidReason: undefined, payer: PAYER });
    },
  );

  it('fails that verifier for an offer with another domain: the reason such offers are refused (T6)', async () => {
    const { required, offer } = demand(v2Challenge([v2Offer()]));
    const decoded = decode(encodePayment(offer, required, await sign(offer)).headerValue);
    const stated = v2Offer({ extra: { name: 'USDC', version: '2' } });
    const verdict = await new ExactEvmFacilitator(willingChain).verify(decoded, stated as never);
    expect(verdict).toMatchObject({ isValid: false, invalidReason: 'invalid_exact_evm_signature' });
  });

  it('echoes every character and number it was sent', async () => {
    const entry = v2Offer({
      extra: { name: 'USD Coin', note: '₮ é "\\\u2028', nested: [{ n: 0.1, no: null }] },
    });
    const { required, offer } = demand(v2Challenge([entry]));
    expect(decode(encodePayment(offer, required, await sign(offer)).headerValue).accepted).toEqual(entry);
  });

  it('has no resource and no extensions where the seller sent none', async () => {
    const { required, offer } = demand(v2Challenge([v2Offer()], { resource: undefined }));
    const decoded = decode(encodePayment(offer, required, await sign(offer)).headerValue);
    expect(Object.keys(decoded)).toEqual(['x402Version', 'scheme', 'network', 'accepted', 'payload']);
    expect(PaymentPayloadV2Schema.safeParse(decoded).error).toBeUndefined();
  });

  it('goes under the old name too where the seller showed no header of its own', async () => {
    const inHeader = demand(v2Challenge([v2Offer()]));
    const bodyText = JSON.stringify(v2Challenge([v2Offer()]));
    const inBody = { status: 402, headers: [], bodyText, requestUrl: REQUEST_URL };
    const both = { ...inBody, headers: [['payment-required', 'not a challenge']] as const };
    const alsoUnder = async (required: PaymentRequired): Promise<string | undefined> => {
      const offer = required.offers[0]!;
      return encodePayment(offer, required, await sign(offer)).alsoUnder;
    };
    expect(await alsoUnder(inHeader.required)).toBeUndefined();
    expect(await alsoUnder(parsePaymentRequired(inBody)!)).toBe('X-PAYMENT');
    expect(await alsoUnder(parsePaymentRequired(both)!)).toBeUndefined();
  });
});

describe('a v1 payment', () => {
  const v1Assets = EVM_ASSETS.flatMap((asset) => {
    const v1Name = findNetwork(asset.network)?.v1Name;
    // The reference verifier knows names of its own list alone; others published theirs (X Layer, SKALE).
    return v1Name === undefined || !NETWORKS.includes(v1Name) ? [] : [[v1Name, asset] as const];
  });

  it.each(v1Assets)('passes the reference schema and verifier on %s', async (network, asset) => {
    const entry = v1Offer({ network, asset: asset.address, extra: { ...asset.eip712 } });
    const { required, offer } = demand(v1Challenge([entry]));
    const header = encodePayment(offer, required, await sign(offer), { paymentIdentifier: IDENTIFIER });
    expect(header.headerName).toBe('X-PAYMENT');
    const decoded = decode(header.headerValue);
    expect(PaymentPayloadV1Schema.safeParse(decoded).error).toBeUndefined();
    const verdict = await new ExactEvmFacilitatorV1(willingChain).verify(decoded, entry as never);
    expect(verdict).toEqual({ isValid: true, invalidReason: undefined, payer: PAYER });
  });

  it('is what the reference client would send', async () => {
    const entry = v1Offer();
    const { required, offer } = demand(v1Challenge([entry]));
    const payload = await sign(offer);
    const theirs = await new ExactEvmClientV1(payer).createPaymentPayload(1, entry as never);
    expect(decode(encodePayment(offer, required, payload).headerValue)).toEqual({ ...theirs, payload });
  });

  it('names the network as the seller did', async () => {
    const { required, offer } = demand(v1Challenge([v1Offer({ network: 'eip155:8453' })]));
    const decoded = decode(encodePayment(offer, required, await sign(offer)).headerValue);
    expect(decoded).toMatchObject({ x402Version: 1, scheme: 'exact', network: 'eip155:8453' });
  });
});

describe('the payment identifier', () => {
  function withIdentifier(declared: unknown): PaymentRequired {
    const extensions = { bazaar: { info: {} }, 'payment-identifier': declared as never };
    return demand(v2Challenge([v2Offer()], { extensions })).required;
  }

  async function extensionsFor(required: PaymentRequired, paymentIdentifier?: string): Promise<unknown> {
    const [offer] = required.offers;
    if (offer === undefined) throw new Error('nothing to pay was read');
    const extras = paymentIdentifier === undefined ? {} : { paymentIdentifier };
    return decode(encodePayment(offer, required, await sign(offer), extras).headerValue).extensions;
  }

  it.each([
    [{ info: { required: true } }, 'required'],
    [{ info: { required: false } }, 'offered'],
    [{ info: {} }, 'offered'],
    [{ info: { required: 'true' } }, 'offered'],
    [{ info: null }, 'none'],
    [{}, 'none'],
    ['yes', 'none'],
    [null, 'none'],
  ])('is, by %j, %s', (declared, expected) => {
    expect(paymentIdentifierOf(withIdentifier(declared))).toBe(expected);
  });

  it('is no part of a challenge without extensions', () => {
    expect(paymentIdentifierOf(demand(v2Challenge([v2Offer()])).required)).toBe('none');
    expect(paymentIdentifierOf(demand(v1Challenge([v1Offer()])).required)).toBe('none');
  });

  it('is added beside everything the seller sent', async () => {
    const required = withIdentifier({ info: { required: false, hint: 'x' }, schema: { a: 1 } });
    expect(await extensionsFor(required, IDENTIFIER)).toEqual({
      bazaar: { info: {} },
      'payment-identifier': { info: { required: false, hint: 'x', id: IDENTIFIER }, schema: { a: 1 } },
    });
    expect(required.extensions?.['payment-identifier']).toEqual({
      info: { required: false, hint: 'x' },
      schema: { a: 1 },
    });
  });

  it('is left out where it was not offered, or not given', async () => {
    const unasked = demand(v2Challenge([v2Offer()], { extensions: { bazaar: { info: {} } } })).required;
    expect(await extensionsFor(unasked, IDENTIFIER)).toEqual({ bazaar: { info: {} } });
    expect(await extensionsFor(withIdentifier({ info: { required: false } }))).toMatchObject({
      'payment-identifier': { info: { required: false } },
    });
  });

  it('leaves one that the seller set', async () => {
    const declared = { info: { required: true, id: 'seller_0123456789' } };
    expect(await extensionsFor(withIdentifier(declared), IDENTIFIER)).toMatchObject({
      'payment-identifier': declared,
    });
  });

  it.each([['short'], ['x'.repeat(129)], ['pay 0123456789abcdef'], ['pay_0123456789abcdé']])(
    'is not %j',
    async (paymentIdentifier) => {
      await expect(extensionsFor(withIdentifier({ info: {} }), paymentIdentifier)).rejects.toMatchObject({
        name: 'WalletError',
        code: 'internal',
      });
    },
  );

  it('is not forgotten where the seller requires it', async () => {
    await expect(extensionsFor(withIdentifier({ info: { required: true } }))).rejects.toMatchObject({
      code: 'internal',
    });
  });
});

describe('a payload of another offer', () => {
  it.each<[string, Partial<ExactEvmPayload['authorization']>]>([
    ['payee', { to: PAYER }],
    ['amount', { value: '10001' }],
  ])('is not sent for it: %s', async (_what, wrong) => {
    const { required, offer } = demand(v2Challenge([v2Offer()]));
    const payload = await sign(offer);
    const other = { ...payload, authorization: { ...payload.authorization, ...wrong } };
    expect(() => encodePayment(offer, required, other)).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });
});
