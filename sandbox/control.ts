import { isAddress as isSolanaAddress } from '@solana/kit';
import { isAddress } from 'viem';
import { faultNamed } from './faults.ts';
import { readBody, sendJson } from './jsonHttp.ts';
import { listenLocal, type LocalServer } from './localServer.ts';
import type { RpcFault } from './rpcProxy.ts';
import type { TempoChain } from './tempo/chain.ts';
import { atomicFromUsd, usdFromAtomic } from './usd.ts';
import type { Sandbox } from './world.ts';

type Input = Record<string, unknown>;

/** What the control endpoint does: `POST /NAME` with a JSON object. */
function actionsOf(
  sandbox: Sandbox,
  tempo: TempoChain | undefined,
): Record<string, (input: Input) => Promise<unknown>> {
  const { chain, solana, shop, rpc } = sandbox;
  const balanceOf = async ({ address }: Input): Promise<string> => {
    if (typeof address === 'string' && isAddress(address, { strict: false }))
      return usdFromAtomic(await chain.balanceOf(address));
    if (typeof address === 'string' && isSolanaAddress(address))
      return usdFromAtomic(await solana.balanceOf(address));
    throw new RangeError('address: 0x and 40 hex digits, or one of Solana');
  };
  return {
    async fund(input) {
      const { address, usd = '10' } = input;
      const atomic = atomicFromUsd(String(usd));
      if (typeof address === 'string' && isAddress(address, { strict: false })) {
        await chain.fund(address, atomic);
        await tempo?.fund(address, atomic);
      } else if (typeof address === 'string' && isSolanaAddress(address)) await solana.fund(address, atomic);
      return { address, usd: await balanceOf(input) };
    },
    async balance(input) {
      return { usd: await balanceOf(input) };
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
 * `/payments`. An address of the EVM is funded on Base, and as much on Tempo where there is one.
 */
export function startControl(sandbox: Sandbox, tempo?: TempoChain): Promise<LocalServer> {
  const actions = actionsOf(sandbox, tempo);
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
