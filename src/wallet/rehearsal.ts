import { setImmediate } from 'node:timers/promises';
import type { RehearsedAnswer } from '../net/connection/rehearsal.js';
import { prepareAs, scratchLedger } from '../ledger/stores.js';
import { assetsOf } from '../money/asset.js';
import type { EvmNetwork } from '../money/network.js';
import { writeJsonHeader } from '../protocols/x402/header.js';
import { networksOf } from './agentAddress.js';
import { warmFunds } from './call/selection.js';
import type { Engine } from './engine.js';
import type { PayInput } from './input.js';
import { Funds, type Solvency } from './settle/funds.js';

/** Makes a rehearsed payment as an agent's call would make it, on a wallet that is a stage. */
export type PayOnStage = (stage: Engine, input: PayInput) => Promise<{ readonly code: string }>;

/** Payees that are nobody's. */
const EVM_PAYEE = `0x${'42'.repeat(20)}`;
const SVM_PAYEE = '4'.repeat(43);

/** What has run a few times is compiled further than what has run once; more gains less than it takes. */
const TIMES = 3;

/** What an address has where nobody asks the chain. */
class AmpleFunds extends Funds {
  override warm(): void {}

  override solvency(): Promise<Solvency> {
    return Promise.resolve({ kind: 'enough' });
  }
}

/**
 * Goes through a first payment, so that its program is loaded, compiled and has run once: nothing is written to the wallet's
 * ledger, signed with its keys or sent to a seller, for a ledger in memory, a key of nobody's and a place on loopback stand in
 * their place. And asks the operators of the wallet's networks what any first call asks them. Ends early where no network of the
 * EVM is in use or no payment may be made, and once `isCalled`: a real call is not to wait for a rehearsed one. Throws for a
 * fault of the config or the ledger.
 */
export async function rehearse(engine: Engine, pay: PayOnStage, isCalled: () => boolean): Promise<void> {
  const config = await engine.config();
  await warmFunds(engine, config);
  const networks = networksOf(config, engine.keys);
  const network = networks.find(({ family }) => family === 'evm') as EvmNetwork | undefined;
  const [asset] = network === undefined ? [] : assetsOf(network.caip2);
  if (network === undefined || asset?.family !== 'evm') return;
  await engine.keys.warmSigner(await engine.agentIndex());
  const terms = { scheme: 'exact', maxTimeoutSeconds: 60 };
  const accepts = [
    {
      ...{ ...terms, network: network.caip2, amount: '1', asset: asset.address, payTo: EVM_PAYEE },
      extra: asset.eip712 ?? {},
    },
    // A seller that takes both says so; the dearer one is only read.
    ...networks
      .filter(({ family }) => family === 'svm')
      .flatMap(({ caip2 }) => {
        const [other] = assetsOf(caip2);
        const of = { network: caip2, payTo: SVM_PAYEE, extra: { feePayer: SVM_PAYEE } };
        return other === undefined ? [] : [{ ...terms, ...of, amount: '2', asset: other.address }];
      }),
  ];
  const receipt = { success: true, transaction: `0x${'42'.repeat(32)}`, network: network.caip2 };
  const [{ openRehearsedPlace }, { keysOfNobody }] = await Promise.all([
    import('../net/connection/rehearsal.js'),
    import('../keys/signer/rehearsal.js'),
  ]);
  const json = ['content-type', 'application/json'] as const;
  const date = ['date', new Date(engine.now()).toUTCString()] as const;
  const demand = writeJsonHeader({ x402Version: 2, accepts });
  const answers = [
    {
      ...{ status: '402 Payment Required', body: '{}' },
      headers: [json, date, ['payment-required', demand]],
    },
    {
      ...{ status: '200 OK', body: '{"rehearsed":true}' },
      headers: [json, date, ['payment-response', writeJsonHeader(receipt)]],
    },
  ] satisfies RehearsedAnswer[];
  const place = await openRehearsedPlace(Array.from({ length: TIMES }, () => answers).flat());
  const ledger = scratchLedger(engine.now());
  try {
    const { hostPort, net } = place;
    const funds = new AmpleFunds(ledger);
    const stage = engine.onStage({ ledger, funds, net, hostPort, keys: keysOfNobody(engine.keys) });
    for (let i = 0; i < TIMES && !isCalled(); i++) {
      const { code } = await pay(stage, { url: `http://${hostPort}/price?time=${i}`, max_usd: '0.01' });
      prepareAs(engine.ledger, ledger);
      if (code !== 'paid') return;
      // A call that came meanwhile goes first.
      await setImmediate();
    }
  } finally {
    await place.close();
    await ledger.close();
  }
}
