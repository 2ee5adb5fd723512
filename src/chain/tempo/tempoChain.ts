import type { TempoNetwork } from '../../money/network.js';
import { createReader, type BlockReader, type ReaderOptions } from '../evm/evmChain.js';
import type { TempoSettlementQuery } from '../settlement.js';
import { judgeObservations } from '../evm/verdict.js';
import {
  channelDepositedIn,
  judgeTempoChannel,
  observeChannelLatest,
  observeChannelSettled,
} from './channel.js';
import { judgeCommitment, observeCommitmentLatest, observeCommitmentSettled } from './commitment.js';
import { TEMPO_HISTORY } from './tempoHistory.js';
import { observeLatest, observeSettled } from './observation.js';

/** Tempo as its RPCs show it: blocks and calls are the EVM's, what became of a payment is told by its memo. */
export type TempoChain = BlockReader<TempoSettlementQuery>;

/** Makes the reader of Tempo; nothing is loaded or asked before its first question. Throws `config_invalid`. */
export function createTempoChain(options: ReaderOptions & { readonly network: TempoNetwork }): TempoChain {
  return createReader(options, {
    atSettled(operator, query, at, signal) {
      const { channel, commitment } = query;
      if (channel !== undefined) return observeChannelSettled(operator, { ...query, channel }, at, signal);
      if (commitment !== undefined)
        return observeCommitmentSettled(operator, { ...query, commitment }, at, signal);
      return observeSettled(operator, query, at, signal);
    },
    atLatest(operator, query, heads, signal) {
      const { channel, commitment } = query;
      if (channel !== undefined) return observeChannelLatest(operator, { ...query, channel }, heads, signal);
      if (commitment !== undefined)
        return observeCommitmentLatest(operator, { ...query, commitment }, heads, signal);
      return observeLatest(operator, query, heads, signal);
    },
    // What was taken by a promise, and that it was ended, shows at any time.
    provesBeforeEnd: ({ commitment }) => commitment !== undefined,
    judge(observations, query, bench) {
      if (query.commitment !== undefined) return judgeCommitment(observations, bench);
      return (query.channel === undefined ? judgeObservations : judgeTempoChannel)(
        observations,
        query,
        bench,
      );
    },
    history: { ...TEMPO_HISTORY, nameIn: channelDepositedIn },
  });
}
