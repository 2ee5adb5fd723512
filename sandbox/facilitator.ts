import { x402Facilitator } from '@x402/core/facilitator';
import type {
  Network,
  PaymentPayload,
  PaymentRequirements,
  SettleResponse,
  VerifyResponse,
} from '@x402/core/types';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { ExactEvmScheme } from '@x402/evm/exact/facilitator';
import { UptoEvmScheme } from '@x402/evm/upto/facilitator';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/facilitator';
import { toFacilitatorSvmSigner } from '@x402/svm';
import { ExactSvmScheme } from '@x402/svm/exact/facilitator';
import { ExactSvmSchemeV1 } from '@x402/svm/exact/v1/facilitator';
import { createSolanaRpcFromTransport } from '@solana/kit';
import { createWalletClient, publicActions, type Chain as ViemChain } from 'viem';
import { baseSepolia } from 'viem/chains';
import { devAccount } from './chain.ts';
import { overLocalHttp } from './evmTransport.ts';
import { readBody, sendJson } from './jsonHttp.ts';
import { listenLocal } from './localServer.ts';
import { postJson } from './postJson.ts';
import { createQueue } from './queue.ts';
import { RECEIPT_MS_MAX, receiptOf } from './receipt.ts';
import { Recording } from './recording.ts';
import { SOLANA_DEVNET, type SolanaChain } from './solana/chain.ts';

interface Asked {
  payload: PaymentPayload;
  requirements: PaymentRequirements;
}

/** One answer of the facilitator, in the order given. */
export type FacilitatorEntry =
  (Asked & { kind: 'verify'; result: VerifyResponse }) | (Asked & { kind: 'settle'; result: SettleResponse });

/**
 * How a facilitator can fail who asks it: `down` destroys each connection, `hang` never answers, `idle` supports nothing,
 * `refusing` settles nothing and says so, `lying` settles nothing and says that it did, `lost` settles and destroys the
 * connection before it answers.
 */
export type FacilitatorFault = 'down' | 'hang' | 'idle' | 'refusing' | 'lying' | 'lost';

/** The reference x402 facilitator on a local port. */
export interface Facilitator {
  /** `127.0.0.1:PORT`, as `net.allow_private` wants it. */
  hostPort: string;
  /** Makes it fail from the next request on; `null` makes it work again. */
  setFault(fault: FacilitatorFault | null): void;
  url: string;
  /** Every /verify and /settle answered, those that failed included. */
  log: Recording<FacilitatorEntry>;
  stop(): Promise<void>;
}

/**
 * Starts the reference facilitator for v1 and v2, schemes `exact` and `upto` on the chain at `rpcUrl`, and
 * `exact` by partly signed transactions on Solana: POST /verify, POST /settle, GET /supported.
 */
export async function startFacilitator(
  rpcUrl: string,
  solana: Pick<SolanaChain, 'url' | 'feePayer'>,
  now: () => number = Date.now,
): Promise<Facilitator> {
  const facilitator = addSolana(createFacilitator(rpcUrl), solana);
  const log = new Recording<FacilitatorEntry>();
  const underWay = new Set<Promise<unknown>>();
  let fault: FacilitatorFault | null = null;

  async function judge(path: '/verify' | '/settle', body: Buffer): Promise<VerifyResponse | SettleResponse> {
    const { paymentPayload: payload, paymentRequirements: requirements } = JSON.parse(String(body)) as {
      paymentPayload: PaymentPayload;
      paymentRequirements: PaymentRequirements;
    };
    if (path === '/verify') {
      const result = await facilitator.verify(payload, requirements);
      return log.add({ kind: 'verify', payload, requirements, result }).result;
    }
    const result = await facilitator.settle(payload, requirements);
    return log.add({ kind: 'settle', payload, requirements, result }).result;
  }

  const server = await listenLocal(async (request, response) => {
    const { method, url: path } = request;
    if (fault === 'hang') return;
    if (fault === 'down') return void response.destroy();
    if (method === 'GET' && path === '/supported')
      return sendJson(response, 200, fault === 'idle' ? { kinds: [] } : facilitator.getSupported());
    const current = fault;
    if (path === '/settle' && (current === 'refusing' || current === 'lying')) {
      const transaction = current === 'lying' ? `0x${'ab'.repeat(32)}` : '';
      return sendJson(response, 200, { success: current === 'lying', transaction, errorReason: 'not_today' });
    }
    if (method !== 'POST' || (path !== '/verify' && path !== '/settle')) {
      return sendJson(response, 404, { error: `No ${method} ${path}` });
    }
    const judged = readBody(request).then((body) => judge(path, body));
    underWay.add(judged);
    try {
      const judgment = await judged;
      if (current === 'lost' && path === '/settle') response.destroy();
      else sendJson(response, 200, judgment);
    } catch (error) {
      sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
    } finally {
      underWay.delete(judged);
    }
  }, now);
  return {
    url: server.url,
    hostPort: server.hostPort,
    setFault: (next) => void (fault = next),
    log,
    async stop() {
      await server.close();
      // Whoever stops the chain next must not leave a settlement waiting for a receipt that never comes.
      await Promise.allSettled(underWay);
    },
  };
}

/** What settles for a facilitator on a chain of the EVM: one of anvil's accounts. */
export function createEvmSigner(rpcUrl: string, chain: ViemChain) {
  const wallet = createWalletClient({
    account: devAccount(1),
    chain,
    transport: overLocalHttp(rpcUrl),
    cacheTime: 0,
  }).extend(publicActions);
  // Two settles at once would read the same account nonce, and the second would replace the first.
  const inTurn = createQueue();
  return toFacilitatorEvmSigner(
    {
      address: wallet.account.address,
      readContract: (call) => wallet.readContract({ ...call, args: call.args ?? [] }),
      verifyTypedData: (call) => wallet.verifyTypedData(call as Parameters<typeof wallet.verifyTypedData>[0]),
      writeContract: (call) =>
        inTurn(() => wallet.writeContract(call as Parameters<typeof wallet.writeContract>[0])),
      sendTransaction: (call) => inTurn(() => wallet.sendTransaction(call)),
      waitForTransactionReceipt: ({ hash }) => receiptOf(wallet, hash),
      getCode: (call) => wallet.getCode(call),
    },
    { confirmationTimeoutMs: RECEIPT_MS_MAX },
  );
}

function createFacilitator(rpcUrl: string): x402Facilitator {
  const signer = createEvmSigner(rpcUrl, baseSepolia);
  return new x402Facilitator()
    .register('eip155:84532', new ExactEvmScheme(signer))
    .register('eip155:84532', new UptoEvmScheme(signer))
    .registerV1('base-sepolia' as Network, new ExactEvmSchemeV1(signer));
}

function addSolana(
  facilitator: x402Facilitator,
  { url, feePayer }: Pick<SolanaChain, 'url' | 'feePayer'>,
): x402Facilitator {
  // One client for all payments, by each name of the network: the published one is made anew at each call.
  const rpc = createSolanaRpcFromTransport(async ({ payload }) => {
    const { body } = await postJson(url, JSON.stringify(payload, withNumbers));
    return JSON.parse(body) as never;
  });
  const signer = toFacilitatorSvmSigner(feePayer, { '*': rpc as never });
  return facilitator
    .register(SOLANA_DEVNET, new ExactSvmScheme(signer))
    .registerV1('solana-devnet' as Network, new ExactSvmSchemeV1(signer));
}

/** Solana's JSON-RPC has numbers where its client has bigints; none here comes near to what a number can hold. */
function withNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
