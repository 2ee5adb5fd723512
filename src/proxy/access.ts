import { NO_LABELS, type Labels } from '../payment/labels.js';
import type { Wallet } from '../wallet/wallet.js';
import { isProxyToken, isSameToken } from './token.js';

/** Who a request comes from: the wallet as that agent has it, and the run that it is paid under. */
export interface ProxyCaller {
  readonly wallet: Wallet;
  readonly budgetId: string | null;
  /** What each of its payments is tagged with, whatever the program says. */
  readonly labels: Labels;
}

/** Who may come in. */
export interface ProxyAccess {
  /** Whose token this is; null where it is nobody's. Throws what opening the wallet throws. */
  callerOf(token: string): Promise<ProxyCaller | null>;
}

/** A run's own: one token, for as long as its program runs, and no other (T42). */
export function runAccess(
  wallet: Wallet,
  own: string,
  { budgetId, labels = NO_LABELS }: { readonly budgetId: string; readonly labels?: Labels },
): ProxyAccess {
  return {
    callerOf: async (token) => Promise.resolve(isSameToken(token, own) ? { wallet, budgetId, labels } : null),
  };
}

/** A proxy's: its own token stands for the agent it was started as, and each other agent comes with its own. */
export function proxyAccess(wallet: Wallet, own: string): ProxyAccess {
  const unbound = { budgetId: null, labels: NO_LABELS };
  return {
    async callerOf(token) {
      if (isProxyToken(token)) return isSameToken(token, own) ? { wallet, ...unbound } : null;
      const agent = await wallet.agentOfToken(token);
      return agent === null ? null : { wallet: wallet.forAgent(agent), ...unbound };
    },
  };
}
