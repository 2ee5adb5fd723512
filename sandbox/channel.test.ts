import { Session } from 'mppx/tempo';
import { encodeFunctionData, hashTypedData, keccak256, toHex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { Transaction } from 'viem/tempo';
import { expect, test } from 'vitest';
import { assetsOf, type TempoAsset } from '../src/money/asset.js';
import type { TempoChannelIntent } from '../src/payment/channelIntent.js';
import {
  CHANNEL_RESERVE,
  channelCall,
  channelId,
  openedBy,
  voucherHash,
} from '../src/protocols/tempo/channel.js';
import { callHash, writeCall } from '../src/protocols/tempo/transaction.js';

const { Channel, Constants, Voucher, escrowAbi } = Session.Precompile;
const account = privateKeyToAccount(`0x${'17'.repeat(32)}`);
const PAYEE = '0x00000000000000000000000000000000000A11cE';
const ZERO = '0x0000000000000000000000000000000000000000';
const CHAIN = 42431;
const [asset] = assetsOf('eip155:42431') as TempoAsset[];

function opening(feePaidBy: 'payee' | 'self'): TempoChannelIntent {
  return openedBy(
    {
      ...{ asset: asset!, chainId: CHAIN, from: account.address, to: PAYEE, amountAtomic: 500_000n },
      ...{ feePaidBy, validAfterSec: 0, validBeforeSec: 1_800_000_000 },
    },
    {
      ...{ payer: account.address, payee: PAYEE, operator: ZERO, token: asset!.address },
      ...{ salt: keccak256(toHex('salt')), authorizedSigner: account.address },
    },
  );
}

test('the reserve is where the reference library has it', () => {
  expect(CHANNEL_RESERVE).toBe(Constants.tip20ChannelEscrow);
});

test.each(['payee', 'self'] as const)(
  'the id of a channel whose fee is paid by %s is the one that the reference library reads from the transaction',
  async (feePaidBy) => {
    const intent = opening(feePaidBy);
    const bytes = writeCall(channelCall(intent), await account.sign({ hash: callHash(channelCall(intent)) }));
    const transaction = Transaction.deserialize(bytes as never) as never;
    const signed = Channel.transactionForExpiringNonceHash({
      ...(feePaidBy === 'payee' ? { feePayer: true } : {}),
      transaction,
    });
    const expiringNonceHash = Channel.computeExpiringNonceHash(signed, { sender: account.address });
    expect(intent.descriptor.expiringNonceHash).toBe(expiringNonceHash);
    expect(intent.nonce).toBe(Channel.computeId({ ...intent.descriptor, chainId: CHAIN }));
    expect(intent.nonce).toBe(channelId(intent.descriptor, CHAIN));
  },
);

test('each call of the reserve is what its interface says', () => {
  const open = opening('self');
  const { descriptor } = open;
  const dataOf = (call: TempoChannelIntent['call']) => channelCall({ ...open, call }).data.toLowerCase();
  const { payee, operator, token, salt, authorizedSigner } = descriptor;
  const encode = (functionName: string, args: unknown[]) =>
    encodeFunctionData({ abi: escrowAbi, functionName, args } as never);
  const amount = open.amountAtomic;
  expect(dataOf('open')).toBe(encode('open', [payee, operator, token, amount, salt, authorizedSigner]));
  expect(dataOf('top_up')).toBe(encode('topUp', [descriptor, amount]));
  expect(dataOf('request_close')).toBe(encode('requestClose', [descriptor]));
  expect(dataOf('withdraw')).toBe(encode('withdraw', [descriptor]));
});

test('what a voucher signs is read by the reference library as one, and by a wallet as typed data', async () => {
  const { nonce } = opening('self');
  const hash = voucherHash(nonce, 20_000n, CHAIN);
  const signature = await account.sign({ hash });
  const voucher = { channelId: nonce, cumulativeAmount: 20_000n as never, signature };
  expect(Voucher.verifyVoucher(CHANNEL_RESERVE, CHAIN, voucher, account.address)).toBe(true);
  expect(hash).toBe(
    hashTypedData({
      domain: {
        name: 'TIP20 Channel Reserve',
        version: '1',
        chainId: CHAIN,
        verifyingContract: CHANNEL_RESERVE,
      },
      types: {
        Voucher: [
          { name: 'channelId', type: 'bytes32' },
          { name: 'cumulativeAmount', type: 'uint96' },
        ],
      },
      primaryType: 'Voucher',
      message: { channelId: nonce, cumulativeAmount: 20_000n },
    }),
  );
});
