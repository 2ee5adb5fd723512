import { WalletError } from '../../errors/walletError.js';
import { LABELS_RULE, readLabels, type Labels } from '../../payment/labels.js';
import type { CommandCall } from '../command.js';

/** The labels that `--label` gives, each as `name=value`. Throws `bad_input`. */
export function labelsOf({ flags }: Pick<CommandCall, 'flags'>): Labels {
  const pairs = flags.list('label').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, Math.max(0, at)), pair.slice(at + 1)] as const;
  });
  const isTwice = new Set(pairs.map(([name]) => name)).size < pairs.length;
  const labels = isTwice ? null : readLabels(Object.fromEntries(pairs));
  if (labels !== null) return labels;
  throw new WalletError('bad_input', `--label is given as NAME=VALUE, each name once: ${LABELS_RULE}.`);
}
