import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../text/json.js';
import type { PaymentChallenge } from './challenge.js';
import { judgeCharge } from './charge.js';

const TO = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';
const PAYEE = '6wSgsCn9nrUbjrMUKxhfFcWg3B7AxJcuaypVoVmJNYc9';
const FEE_PAYER = 'B6L2G3chWZ1Q8UoCXVaiZH1SL72w5NSUasd6nhAYTzeD';
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const MINT = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU';

const EVM: JsonObject = {
  amount: '10000',
  currency: USDC.toLowerCase(),
  recipient: TO,
  methodDetails: { chainId: 84532, credentialTypes: ['permit2', 'authorization'], decimals: 6 },
};
const SOLANA: JsonObject = {
  amount: '10000',
  currency: MINT,
  recipient: PAYEE,
  methodDetails: { network: 'devnet', decimals: 6, feePayer: true, feePayerKey: FEE_PAYER },
};

const TEMPO: JsonObject = {
  amount: '10000',
  currency: '0x20c0000000000000000000000000000000000000',
  recipient: TO,
  methodDetails: { chainId: 42431, feePayer: true },
};

function judge(method: string, request: JsonObject, intent = 'charge') {
  const challenge: PaymentChallenge = {
    ...{ id: 'a', realm: 'r', method, intent, request, expiresMs: undefined, echo: {} },
    ...{ credentialHeader: 'authorization', description: undefined },
  };
  return judgeCharge(challenge, 3);
}

const withDetails = (request: JsonObject, details: JsonObject): JsonObject => ({
  ...request,
  methodDetails: { ...(request['methodDetails'] as JsonObject), ...details },
});

test('one on the EVM is read by our own tables', () => {
  expect(judge('evm', EVM)).toMatchObject({
    ...{ index: 3, method: 'evm', amountAtomic: 10_000n, usdMicros: 10_000n, payTo: TO },
    network: { caip2: 'eip155:84532' },
    asset: { address: USDC, eip712: { name: 'USDC', version: '2' } },
  });
});

test('one on Solana is read with who pays its fee', () => {
  expect(judge('solana', SOLANA)).toMatchObject({
    ...{ method: 'solana', amountAtomic: 10_000n, payTo: PAYEE, feePayer: FEE_PAYER, memo: null },
    network: { label: 'Solana devnet' },
  });
  expect(judge('solana', { ...SOLANA, externalId: 'order 7' })).toMatchObject({ memo: 'order 7' });
});

test('one on Tempo is read with who pays its fee, and its chain is named', () => {
  expect(judge('tempo', TEMPO)).toMatchObject({
    ...{ method: 'tempo', amountAtomic: 10_000n, usdMicros: 10_000n, payTo: TO, feePaidBy: 'payee' },
    network: { caip2: 'eip155:42431', label: 'Tempo testnet' },
    asset: { symbol: 'pathUSD' },
  });
  const mainnet = { ...TEMPO, methodDetails: { chainId: 4217, supportedModes: ['push', 'pull'] } };
  expect(judge('tempo', mainnet)).toMatchObject({ network: { label: 'Tempo' }, feePaidBy: 'self' });
});

describe('what it does not pay is said by name', () => {
  test.each<[string, string, JsonObject, string]>([
    ['another intent is not a charge', 'evm', EVM, 'unsupported_scheme'],
    ['another method', 'stripe', EVM, 'unsupported_scheme'],
    ['splits', 'evm', withDetails(EVM, { splits: [] }), 'unsupported_scheme'],
    ['Tempo with no chain', 'tempo', { ...TEMPO, methodDetails: {} }, 'malformed_offer'],
    ['Tempo on a chain of the EVM', 'tempo', withDetails(TEMPO, { chainId: 84532 }), 'unsupported_network'],
    [
      'a chain of Tempo by the method evm',
      'evm',
      withDetails(EVM, { chainId: 42431 }),
      'unsupported_network',
    ],
    ['Tempo by push alone', 'tempo', withDetails(TEMPO, { supportedModes: ['push'] }), 'unsupported_scheme'],
    [
      "Tempo with a memo of the seller's",
      'tempo',
      withDetails(TEMPO, { memo: `0x${'00'.repeat(32)}` }),
      'unsupported_scheme',
    ],
    ['Tempo with splits', 'tempo', withDetails(TEMPO, { splits: [] }), 'unsupported_scheme'],
    ['a token of Tempo that is none of ours', 'tempo', { ...TEMPO, currency: USDC }, 'unsupported_asset'],
    [
      'Tempo to nobody',
      'tempo',
      { ...TEMPO, recipient: '0x0000000000000000000000000000000000000000' },
      'malformed_offer',
    ],
    ['dollars on Tempo (T39)', 'tempo', { ...TEMPO, amount: '0.01' }, 'malformed_offer'],
    ['Permit2 alone', 'evm', withDetails(EVM, { credentialTypes: ['permit2'] }), 'unsupported_scheme'],
    ['no list of credentials', 'evm', { ...EVM, methodDetails: { chainId: 84532 } }, 'unsupported_scheme'],
    ['an unknown chain', 'evm', withDetails(EVM, { chainId: 77_777_777 }), 'unsupported_network'],
    ['a chain as text', 'evm', withDetails(EVM, { chainId: '84532' }), 'malformed_offer'],
    ['another token', 'evm', { ...EVM, currency: TO }, 'unsupported_asset'],
    ['the token of another chain', 'evm', { ...EVM, currency: MINT }, 'unsupported_asset'],
    ['other decimals', 'evm', withDetails(EVM, { decimals: 18 }), 'malformed_offer'],
    ['a payee of zeros', 'evm', { ...EVM, recipient: `0x${'0'.repeat(40)}` }, 'malformed_offer'],
    ['a payee of Solana', 'evm', { ...EVM, recipient: PAYEE }, 'malformed_offer'],
    ['a fee that the buyer pays', 'solana', withDetails(SOLANA, { feePayer: false }), 'unsupported_scheme'],
    ['a fee payer that is none', 'solana', withDetails(SOLANA, { feePayerKey: TO }), 'malformed_offer'],
    ['SOL', 'solana', { ...SOLANA, currency: 'sol' }, 'unsupported_asset'],
    ['a cluster of its own', 'solana', withDetails(SOLANA, { network: 'localnet' }), 'unsupported_network'],
    ['another token program', 'solana', withDetails(SOLANA, { tokenProgram: PAYEE }), 'malformed_offer'],
    ['a confidential transfer', 'solana', withDetails(SOLANA, { confidential: true }), 'unsupported_scheme'],
    ['a reference in several lines', 'solana', { ...SOLANA, externalId: 'a\nb' }, 'malformed_offer'],
  ])('%s', (what, method, request, code) => {
    const intent = what.startsWith('another intent') ? 'session' : 'charge';
    expect(judge(method, request, intent)).toMatchObject({ index: 3, code });
  });

  // T4, T39: the amount is in the token's own unit, whatever another method of the same answer writes.
  test.each(['0', '-1', '1.5', '0.01', '1e4', '0x10', '01', '', ' 1', '1'.repeat(79), 10_000, null])(
    'an amount of %j',
    (amount) => {
      for (const [method, request] of [
        ['evm', EVM],
        ['solana', SOLANA],
      ] as const)
        expect(judge(method, { ...request, amount })).toMatchObject({ code: 'malformed_offer' });
    },
  );

  test('an amount that no token account holds', () => {
    expect(judge('solana', { ...SOLANA, amount: (2n ** 64n).toString() })).toMatchObject({
      code: 'malformed_offer',
    });
    expect(judge('evm', { ...EVM, amount: (2n ** 256n).toString() })).toMatchObject({
      code: 'malformed_offer',
    });
  });
});
