import { numberToHex, pad } from 'viem/utils';
import { expect, test } from 'vitest';
import type { ChainPayment, TempoChain } from '../../chain/chain.js';
import { channelOpenings } from '../../chain/tempo/channel.js';
import type { Ledger } from '../../ledger/ledger.js';
import { assetsOf } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import { CHANNEL_OPENINGS } from '../../chain/evm/channelState.js';
import { DEPOSIT_COLLECTOR } from '../../money/channelContract.js';
import { depositNonce, evmChannelId } from '../../protocols/evm/channel.js';
import type { ChannelDescriptor, EvmChannel } from '../../payment/channelIntent.js';
import { channelId, CHANNEL_RESERVE } from '../../protocols/tempo/channel.js';
import { lostChannels } from './lostChannels.js';

const network = findNetwork('eip155:4217');
const [asset] = assetsOf('eip155:4217');
if (network?.family !== 'tempo' || asset?.family !== 'tempo') throw new Error('the tables lost Tempo');
const tempo = { network, asset };
const OWN = `0x${'a'.repeat(40)}` as const;
const OTHER = `0x${'b'.repeat(40)}` as const;
const ledger = { entitlements: { findDeposit: () => Promise.resolve(null) } } as unknown as Ledger;

/** What is found where a million moved into a channel, and the operator that is asked shows so much as its deposit. */
async function found(shownAtomic: bigint, payer: `0x${string}` = OWN) {
  const descriptor: ChannelDescriptor = {
    ...{ payer, payee: OTHER, operator: OTHER, token: tempo.asset.address as `0x${string}` },
    ...{ salt: pad('0x1'), authorizedSigner: payer, expiringNonceHash: pad('0x2') },
  };
  const id = channelId(descriptor, tempo.network.chainId);
  const [event] = channelOpenings(id).topics;
  const words = [OTHER, descriptor.token, payer, descriptor.salt, descriptor.expiringNonceHash];
  const data = [...words.map((one) => pad(one)), numberToHex(shownAtomic, { size: 32 })];
  const log = {
    topics: [event, id, pad(payer), pad(OTHER)],
    data: `0x${data.map((one) => one.slice(2)).join('')}`,
  };
  const chain = { eventsIn: () => Promise.resolve([log]) } as unknown as TempoChain;
  const into = {
    to: CHANNEL_RESERVE,
    named: id,
    amountAtomic: 1_000_000n,
    tx: '0xt',
    timeSec: 1,
    blockNumber: 1n,
  };
  const at = { ...tempo, agent: 'default', address: OWN };
  return lostChannels(chain, at, [into as unknown as ChainPayment], ledger);
}

test('a channel is found by its own opening, and what moved beyond its deposit is the fee', async () => {
  expect(await found(999_000n)).toMatchObject([
    { facts: { deposit_atomic: '999000' }, payment: { openingFeeAtomic: 1_000n, amountAtomic: 1_000_000n } },
  ]);
});

test('an operator that shows more in a channel than moved there, or another payer’s, makes nothing count for less', async () => {
  expect(await found(2_000_000n)).toEqual([]);
  expect(await found(999_000n, OTHER)).toEqual([]);
});

const base = { network: findNetwork('eip155:84532'), asset: assetsOf('eip155:84532')[0] };
const channel: EvmChannel = {
  ...{ payer: OWN, payerAuthorizer: OWN, receiver: OTHER, receiverAuthorizer: OTHER },
  ...{ token: base.asset!.address as `0x${string}`, withdrawDelaySec: 900, salt: pad('0x7') },
};

/** What is found on the EVM where an opening is shown with these terms, for a deposit by the nonce of the true ones. */
async function foundOnEvm(shown: EvmChannel) {
  const { withdrawDelaySec, salt, ...parties } = shown;
  const words = [
    ...Object.values(parties).map((one) => pad(one)),
    numberToHex(withdrawDelaySec, { size: 32 }),
  ];
  const log = {
    topics: [CHANNEL_OPENINGS.topics[0], evmChannelId(shown, 84_532)],
    data: `0x${[...words, salt].map((one) => one.slice(2)).join('')}`,
  };
  const chain = { eventsIn: () => Promise.resolve([log]) };
  const into = {
    ...{ to: DEPOSIT_COLLECTOR, nonce: depositNonce(channel, 84_532), amountAtomic: 100_000n },
    ...{ tx: '0xt', timeSec: 1, blockNumber: 1n },
  };
  const at = { network: base.network!, asset: base.asset!, agent: 'default', address: OWN };
  return lostChannels(chain, at, [into as unknown as ChainPayment], ledger);
}

test('a channel on the EVM is found by its terms, which make the nonce of its deposit', async () => {
  expect(await foundOnEvm(channel)).toMatchObject([
    {
      facts: {
        channel: { salt: channel.salt, withdrawDelaySec: 900 },
        channel_id: evmChannelId(channel, 84_532),
        withdraw_delay_sec: 900,
      },
      payment: { named: depositNonce(channel, 84_532), amountAtomic: 100_000n, openingFeeAtomic: 0n },
    },
  ]);
});

test('no operator’s word of other terms makes another channel of it', async () => {
  for (const lie of [{ withdrawDelaySec: 901 }, { receiver: OWN }, { salt: pad('0x8') }])
    expect(await foundOnEvm({ ...channel, ...lie })).toEqual([]);
});
