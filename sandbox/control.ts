import { isAddress } from 'viem';
import { faultNamed } from './faults.ts';
import { readBody, sendJson } from './jsonHttp.ts';
import { listenLocal, type LocalServer } from './localServer.ts';
import type { RpcFault } from './rpcProxy.ts';
import { atomicFromUsd, usdFromAtomic } from './usd.ts';
import type { Sandbox } from './world.ts';

type Input = Record<string, unknown>;

/** What the control endpoint does: `POST /NAME` with a JSON object. */
function actionsOf(sandbox: Sandbox): Record<string, (input: Input) => Promise<unknown>> {
  const { chain, shop, rpc } = sandbox;
  const addressOf = ({ address }: Input) => {
    if (typeof address === 'string' && isAddress(address, { strict: false })) return address;
    throw new RangeError('address: 0x and 40 hex digits');
  };
  return {
    async fund(input) {
      const address = addressOf(input);
      await chain.fund(address, atomicFromUsd(String(input['usd'] ?? '10')));
      return { address, usd: usdFromAtomic(await chain.balanceOf(address)) };
    },
    async balance(input) {
      return { usd: usdFromAtomic(await chain.balanceOf(addressOf(input))) };
    },
    async fault({ path, fault, times }) {
      if (typeof path !== 'string') throw new RangeError('path: such as /v2/json');
      if (fault === null) shop.clearFaults(path);
      else
        shop.setFault(path, faultNamed(String(fault)), times === undefined ? {} : { times: Number(times) });
      return { path, fault };
    },
    async rpc({ fault }) {
      await rpc.setFault((fault ?? null) as RpcFault | null);
      return { fault };
    },
    async release() {
      return { transactions: await shop.releasePending() };
    },
    async mine({ blocks }) {
      await chain.mine(Number(blocks ?? 1));
      return { block: await chain.client.getBlockNumber() };
    },
    async time({ seconds }) {
      await chain.increaseTime(Number(seconds));
      return { now: await chain.nowSec() };
    },
    async payments() {
      return shop.payments().map(({ header: _header, payload: _payload, ...payment }) => payment);
    },
  };
}

/**
 * Starts a small HTTP endpoint to steer a sandbox from a shell: `POST /fund {address, usd}`, `/balance {address}`,
 * `/fault {path, fault, times?}` (`fault: null` clears), `/rpc {fault}`, `/release`, `/mine {blocks}`, `/time {seconds}`,
 * `/payments`.
 */
export function startControl(sandbox: Sandbox): Promise<LocalServer> {
  const actions = actionsOf(sandbox);
  return listenLocal(async (request, response) => {
    const name = (request.url ?? '/').slice(1);
    try {
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (request.method !== 'POST' || action === undefined) {
        sendJson(response, 404, { error: `POST one of: ${Object.keys(actions).join(', ')}` });
        return;
      }
      const text = String(await readBody(request));
      sendJson(response, 200, await action((text === '' ? {} : JSON.parse(text)) as Input));
    } catch (error) {
      sendJson(response, 400, { error: error instanceof Error ? error.message : String(error) });
    }
  });
}
