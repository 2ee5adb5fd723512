import type { TempoNetwork } from '../../money/network.js';
import { createReader, type BlockReader, type ReaderOptions } from '../evm/evmChain.js';
import type { TempoSettlementQuery } from '../settlement.js';
import { judgeObservations } from '../evm/verdict.js';
import { channelOpenedIn, judgeChannel, observeChannelLatest, observeChannelSettled } from './channel.js';
import { TEMPO_HISTORY } from './tempoHistory.js';
import { observeLatest, observeSettled } from './observation.js';

/** Tempo as its RPCs show it: blocks and calls are the EVM's, what became of a payment is told by its memo. */
export type TempoChain = BlockReader<TempoSettlementQuery>;

/** Makes the reader of Tempo; nothing is loaded or asked before its first question. Throws `config_invalid`. */
export function createTempoChain(options: ReaderOptions & { readonly network: TempoNetwork }): TempoChain {
  return createReader(options, {
    atSettled: (operator, query, at, signal) =>
      query.channel === undefined
        ? observeSettled(operator, query, at, signal)
        : observeChannelSettled(operator, { ...query, channel: query.channel }, at, signal),
    atLatest: (operator, query, heads, signal) =>
      query.channel === undefined
        ? observeLatest(operator, query, heads, signal)
        : observeChannelLatest(operator, { ...query, channel: query.channel }, heads, signal),
    judge: (observations, query, bench) =>
      (query.channel === undefined ? judgeObservations : judgeChannel)(observations, query, bench),
    history: { ...TEMPO_HISTORY, nameIn: channelOpenedIn },
  });
}
