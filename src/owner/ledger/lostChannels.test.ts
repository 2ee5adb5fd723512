import { numberToHex, pad } from 'viem/utils';
import { expect, test } from 'vitest';
import type { ChainPayment, TempoChain } from '../../chain/chain.js';
import { channelOpenings } from '../../chain/tempo/channel.js';
import type { Ledger } from '../../ledger/ledger.js';
import { assetsOf } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import type { ChannelDescriptor } from '../../payment/intent.js';
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
    { depositAtomic: 999_000n, payment: { openingFeeAtomic: 1_000n, amountAtomic: 1_000_000n } },
  ]);
});

test('an operator that shows more in a channel than moved there, or another payer’s, makes nothing count for less', async () => {
  expect(await found(2_000_000n)).toEqual([]);
  expect(await found(999_000n, OTHER)).toEqual([]);
});
