import type { TempoNetwork } from '../../money/network.js';
import { createReader, type BlockReader, type ReaderOptions } from '../evm/evmChain.js';
import type { TempoSettlementQuery } from '../settlement.js';
import { TEMPO_HISTORY } from './tempoHistory.js';
import { observeLatest, observeSettled } from './observation.js';

/** Tempo as its RPCs show it: blocks and calls are the EVM's, what became of a payment is told by its memo. */
export type TempoChain = BlockReader<TempoSettlementQuery>;

/** Makes the reader of Tempo; nothing is loaded or asked before its first question. Throws `config_invalid`. */
export function createTempoChain(options: ReaderOptions & { readonly network: TempoNetwork }): TempoChain {
  return createReader(options, {
    atSettled: observeSettled,
    atLatest: observeLatest,
    history: TEMPO_HISTORY,
  });
}
