import type { OwnerStep } from '../errors/ownerAction.js';
import { endSoon } from '../server/endSoon.js';
import { NoticeKeeper } from '../server/noticeKeeper.js';
import { TelemetryKeeper } from '../server/telemetryKeeper.js';
import { settleBinding, type BindingOptions } from '../server/http/socket/binding.js';
import type { TlsFiles } from '../server/http/socket/listener.js';
import type { WalletOptions } from '../wallet/engine.js';
import { Wallet } from '../wallet/wallet.js';
import { proxyAccess } from './access.js';
import type { ProxyPlace } from './programEnv.js';
import { startProxy } from './proxy.js';
import { newProxyToken } from './token.js';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** How a proxy is served. */
export interface ServeProxyOptions {
  readonly wallet: WalletOptions;
  readonly binding: Omit<BindingOptions, 'tls'>;
  readonly port: number;
  readonly tls: TlsFiles | null;
  readonly tellOwner: (step: OwnerStep | null) => string | null;
  /** Told once programs can reach it. */
  readonly ready: (at: ProxyPlace) => void;
}

/**
 * Runs a proxy until a signal comes; answers the exit code. Calls that run then are cancelled, and what is known of each
 * payment is written down before this ends. Throws what opening the wallet throws, and what {@link startProxy} throws.
 */
export async function serveProxy(options: ServeProxyOptions): Promise<number> {
  const { tls, port, tellOwner } = options;
  const binding = settleBinding({ ...options.binding, tls: tls !== null });
  const wallet = new Wallet(options.wallet, { reconcile: true });
  const telemetry = new TelemetryKeeper(options.wallet.version);
  try {
    const engine = await wallet.engine();
    await engine.assertActive();
    new NoticeKeeper(options.wallet).begin(engine);
    telemetry.over(engine);
    await telemetry.start();
    const token = newProxyToken();
    const proxy = await startProxy({
      ...{ binding, tls, tellOwner, tracer: telemetry.tracer },
      at: { kind: 'address', host: binding.host, port },
      access: proxyAccess(wallet, token),
    });
    const stopped = new Promise<void>((resolve) => {
      for (const signal of SIGNALS) process.once(signal, () => resolve());
    });
    options.ready({ url: proxy.url, token });
    await stopped;
    await proxy.close();
    return 0;
  } finally {
    await telemetry.close();
    await wallet.close();
    endSoon();
  }
}
