import { startGateway, type Gateway } from '../../sandbox/gateway.ts';
import { NO_LABELS, type Labels } from '../../src/payment/labels.js';
import { proxyAccess, runAccess } from '../../src/proxy/access.js';
import { startProxy, type RunningProxy } from '../../src/proxy/proxy.js';
import { newProxyToken } from '../../src/proxy/token.js';
import { settleBinding } from '../../src/server/http/socket/binding.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import type { TestWallet } from '../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

/** A wallet, a gateway that it may ask, and a proxy between programs and both. */
export interface ProxyWorld {
  readonly world: TestWorld;
  readonly gateway: Gateway;
  readonly mine: TestWallet;
  readonly wallet: Wallet;
  readonly proxy: RunningProxy;
  readonly token: string;
  /** What an SDK of OpenAI's takes as its base. */
  readonly base: string;
  /** A proxy for one run of its own, and that run. */
  startRun(usdMicros: bigint, forMs?: number, labels?: Labels): Promise<OneRun>;
  stop(): Promise<void>;
}

/** A run without its program. */
export interface OneRun extends Disposable {
  readonly id: string;
  readonly token: string;
  readonly proxy: RunningProxy;
}

/** The upstream that everything is asked of. */
export const UPSTREAM = 'shop';

/** Starts it all; one a test file. */
export async function startProxyWorld(settings: Readonly<Record<string, string>> = {}): Promise<ProxyWorld> {
  const world = await startTestWorld();
  const gateway = await startGateway(world.sandbox.facilitator.url);
  const { shop, facilitator } = world.sandbox;
  const hosts = [shop.hostPort, facilitator.hostPort, gateway.hostPort];
  const mine = await world.wallet({
    settings: {
      'net.allow_private': JSON.stringify(hosts),
      [`proxy.upstreams.${UPSTREAM}.base_url`]: gateway.url,
      'proxy.upstreams.claude.base_url': `${gateway.url}/v1`,
      'proxy.upstreams.claude.dialect': 'anthropic',
      'proxy.default_upstream': UPSTREAM,
      ...settings,
    },
  });
  const wallet = mine.open();
  const parts = {
    binding: settleBinding({ tls: false, behindProxy: false }),
    at: { kind: 'address', host: '127.0.0.1', port: 0 },
    tls: null,
    tellOwner: () => null,
  } as const;
  const token = newProxyToken();
  const proxy = await startProxy({ ...parts, access: proxyAccess(wallet, token) });
  return {
    ...{ world, gateway, mine, wallet, proxy, token, base: `${proxy.url}/${token}/${UPSTREAM}/v1` },
    async startRun(amountUsdMicros, forMs = 3_600_000, labels = NO_LABELS) {
      const { ledger } = await wallet.engine();
      const nowMs = world.now();
      const opened = await ledger.budgets.open(
        {
          ...{ parentId: null, kind: 'run', agent: 'default', name: 'test', amountUsdMicros },
          expiresMs: nowMs + forMs,
        },
        nowMs,
      );
      if (opened.kind !== 'open') throw new Error(`The run was not opened: ${opened.kind}`);
      const own = newProxyToken();
      const { id } = opened.node;
      const running = await startProxy({
        ...parts,
        access: runAccess(wallet, own, { budgetId: id, labels }),
      });
      return { id, token: own, proxy: running, [Symbol.dispose]: () => void running.close() };
    },
    async stop() {
      await proxy.close();
      await gateway.stop();
      await world.stop();
    },
  };
}
