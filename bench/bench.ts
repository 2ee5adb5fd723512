import { startSandbox } from '../sandbox/world.ts';
import { createTestWallet } from '../test/support/testWallet.js';
import { CHAINS } from '../test/support/world.js';
import { benchCapCheck } from './capCheck.js';
import { benchMppCalls } from './mppCall.js';
import { OPEN_LIMITS } from './openLimits.js';
import { benchOwnShare } from './ownShare.js';
import { benchPaidCalls } from './paidCall.js';
import { line } from './percentile.js';
import { benchRepeatCalls, LINK_MS } from './repeatCall.js';

const MPP_METHODS = ['tempo', 'evm', 'solana'] as const;
const NAMES = { base: 'Base', solana: 'Solana' } as const;

const sandbox = await startSandbox();
try {
  console.log(
    `Node ${process.version}, ${process.platform}; ms; each figure p50, p95 and the number of runs\n`,
  );
  for (const chain of CHAINS) {
    const test = await createTestWallet(sandbox, 100_000_000n, { chain });
    for (const [key, value] of OPEN_LIMITS) await test.set(key, value);

    const paid = await benchPaidCalls(sandbox, test, chain);
    console.log(
      `Whole paid call on ${NAMES[chain]}, 402 to answer, side by side on one sandbox (v2, $0.001)`,
    );
    console.log(line('bare @x402/fetch client', paid.bare));
    console.log(line('wallet_pay, in process', paid.wallet));
    console.log(line('wallet_pay, over stdio MCP', paid.stdio));
    console.log(line('wallet_pay with a quote_id (no second 402), in process', paid.quoted));
    console.log(
      `  in process / bare, p50: ${(paid.wallet.p50 / paid.bare.p50).toFixed(2)} (aim: at most 1.15)`,
    );
    console.log(`  over stdio / bare, p50: ${(paid.stdio.p50 / paid.bare.p50).toFixed(2)}\n`);

    const repeat = await benchRepeatCalls(sandbox, test, chain);
    console.log(
      `Whole repeat call on ${NAMES[chain]} over a link of ${LINK_MS} ms each way, one endpoint, differing requests`,
    );
    console.log(line('bare @x402/fetch client', repeat.bare));
    console.log(line('wallet_pay that asks the price, in process', repeat.asked));
    console.log(line('wallet_pay that pays ahead, in process', repeat.ahead));
    console.log(
      `  ahead / bare, p50: ${(repeat.ahead.p50 / repeat.bare.p50).toFixed(2)} (aim: at most 0.6)\n`,
    );

    const own = await benchOwnShare(sandbox, test, chain);
    console.log("The wallet's own share of it");
    console.log(line('policy: config, offers, caps, history', own.policy));
    console.log(line('what is signed, made ready', own.prepare));
    console.log(line('durable hold', own.hold));
    console.log(line('sign and check the signature', own.sign));
    console.log(line('journal: signed, sent, captured with the answer', own.journal));
    console.log(line('own share in all (aim: p50 at most 3)', own.whole));
    console.log(line('one 4 KiB write and fsync on this disk', own.fsync));
    console.log();
    await test.remove();
  }

  const tempo = await sandbox.addTempo();
  for (const method of MPP_METHODS) {
    const mpp = await benchMppCalls(sandbox, tempo, OPEN_LIMITS, method);
    console.log(
      `Whole charge of MPP by the method ${method}, 402 to answer, side by side on one sandbox ($0.001, fee by the seller)`,
    );
    console.log(line('bare mppx client', mpp.bare));
    console.log(line('wallet_pay, in process', mpp.wallet));
    console.log(
      `  in process / bare, p50: ${(mpp.wallet.p50 / mpp.bare.p50).toFixed(2)} (aim: at most 1.15)\n`,
    );
  }

  const caps = await benchCapCheck();
  console.log('One cap check (all lines of a call) by rows in the ledger');
  console.log(line('1,000 rows', caps.small));
  console.log(line('1,000,000 rows', caps.large));
  console.log(`  ratio, p50: ${(caps.large.p50 / caps.small.p50).toFixed(2)} (aim: at most 2)`);
} finally {
  await sandbox.stop();
}
