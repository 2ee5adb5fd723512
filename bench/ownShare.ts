import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '../sandbox/world.ts';
import { selectFrom } from '../src/wallet/call/selection.js';
import { probe } from '../src/wallet/call/probe.js';
import { CallDeadline } from '../src/wallet/call/callDeadline.js';
import { parseRequest } from '../src/wallet/call/request.js';
import type { TestWallet } from '../test/support/testWallet.js';
import type { ChainName } from '../test/support/world.js';
import { sampleOf, type Sample } from './percentile.js';

const WARM_UP = 20;
const ROUNDS = 200;

export interface OwnShare {
  readonly policy: Sample;
  /** What the scheme needs before a hold: on Solana the message, and what its RPC is asked for. */
  readonly prepare: Sample;
  readonly hold: Sample;
  readonly sign: Sample;
  readonly journal: Sample;
  readonly whole: Sample;
  readonly fsync: Sample;
}

/**
 * What the wallet itself adds to a paid call, step by step on one real challenge: reading the config and judging it,
 * the durable hold, the signature with its check, and the journal's further commits (signed, sent, captured, answer).
 */
export async function benchOwnShare(sandbox: Sandbox, test: TestWallet, chain: ChainName): Promise<OwnShare> {
  const wallet = test.open();
  const engine = await wallet.engine();
  const session = await engine.ledger.touchSession(engine.agent, engine.now());
  const context = { signal: new AbortController().signal };
  const request = parseRequest({ url: `${sandbox.shop.url}/v2/price/0.001?chain=${chain}` }, engine, [
    sandbox.shop.hostPort,
  ]);
  const probed = await probe(
    engine,
    await engine.config(),
    request,
    new CallDeadline(10_000, context),
    context,
  );
  if (probed.kind !== 'priced') throw new Error('The shop asked for nothing.');
  const { challenge } = probed;
  const steps: Record<'policy' | 'prepare' | 'hold' | 'sign' | 'journal' | 'whole', number[]> = {
    policy: [],
    prepare: [],
    hold: [],
    sign: [],
    journal: [],
    whole: [],
  };
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    const started = performance.now();
    const config = await engine.config();
    const { selection, limits } = await selectFrom(
      {
        ...{ ledger: engine.ledger, rails: engine.rails, config, agent: engine.agent, sessionId: session.id },
        ...{ maxUsdMicros: undefined, target: challenge.target, demand: challenge.required },
        ...{ isApproved: false, looksAtTotals: false, nowMs: engine.now() },
      },
      {},
    );
    if (selection.decision !== 'pay') throw new Error('The bench ran into a limit.');
    const { offer } = selection;
    const judgedAt = performance.now();
    const rail = engine.rails.ofOffer(offer);
    const intent = await rail.prepare(await engine.railPorts(config), offer, engine.now());
    const preparedAt = performance.now();
    const hold = await engine.ledger.openHold({
      agent: engine.agent,
      sessionId: session.id,
      requestHash: `${request.hash}${i}`,
      idempotencyKey: null,
      method: 'GET',
      url: challenge.target.url.href,
      origin: challenge.target.url.origin,
      host: challenge.target.url.hostname,
      category: null,
      protocol: offer.protocol,
      scheme: offer.scheme,
      network: offer.network.caip2,
      asset: offer.asset.address,
      payFrom: intent.from,
      payTo: offer.payTo,
      heldAtomic: offer.amountAtomic,
      heldUsdMicros: offer.usdMicros,
      nonce: intent.nonce,
      validAfterSec: intent.validAfterSec,
      validBeforeSec: intent.validBeforeSec,
      configVersion: config.version,
      reason: null,
      quoteId: null,
      capLines: limits.capLines,
      rateLines: limits.rateLines,
      nowMs: engine.now(),
    });
    if (hold.kind !== 'held') throw new Error(`The bench's hold ended in ${hold.kind}.`);
    const heldAt = performance.now();
    const parts = { offer, intent, paymentId: hold.payment.id };
    const payload = await rail.sign(await engine.railPorts(config), parts);
    const signedAt = performance.now();
    const { id } = hold.payment;
    await engine.ledger.signAndSend(id, payload, {
      configVersion: config.version,
      capLines: limits.capLines,
      nowMs: engine.now(),
    });
    const captured = engine.ledger.capture(
      id,
      {
        capturedAtomic: offer.amountAtomic,
        capturedUsdMicros: offer.usdMicros,
        tx: null,
        receipt: null,
        confirmed: false,
        chainMs: null,
      },
      engine.now(),
    );
    const answered = engine.ledger.saveAnswer({
      paymentId: id,
      agent: engine.agent,
      status: 200,
      headers: [],
      body: new Uint8Array(60),
      storedId: null,
      bytes: 60,
      truncated: false,
      storedMs: engine.now(),
    });
    await Promise.all([captured, answered]);
    const ended = performance.now();
    if (i < WARM_UP) continue;
    steps.policy.push(judgedAt - started);
    steps.prepare.push(preparedAt - judgedAt);
    steps.hold.push(heldAt - preparedAt);
    steps.sign.push(signedAt - heldAt);
    steps.journal.push(ended - signedAt);
    steps.whole.push(ended - started);
  }
  return {
    policy: sampleOf(steps.policy),
    prepare: sampleOf(steps.prepare),
    hold: sampleOf(steps.hold),
    sign: sampleOf(steps.sign),
    journal: sampleOf(steps.journal),
    whole: sampleOf(steps.whole),
    fsync: benchFsync(test.home),
  };
}

/** One 4 KiB append and fsync on the wallet's disk: what a commit cannot be cheaper than. */
function benchFsync(home: string): Sample {
  const file = openSync(join(home, 'fsync.bin'), 'w', 0o600);
  const page = new Uint8Array(4096);
  const durations: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const started = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    durations.push(performance.now() - started);
  }
  closeSync(file);
  return sampleOf(durations);
}
