import { isWalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { formatUsd } from '../../money/decimal.js';
import { findNetwork } from '../../money/network.js';
import { compareWithChain, type ChainComparison } from '../../owner/ledger/chainAudit.js';
import { rememberLedger } from '../../wallet/checkpoint.js';
import { viewPayment, type PaymentView } from '../../wallet/answer/outcome.js';
import { openLedger } from '../../wallet/engine.js';
import { provedConfig } from '../../owner/ownerConfig.js';
import { unlockAsAnyone } from '../../owner/auth/ownerAuth.js';
import { cleanLine } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { paymentLine, printJson, printLines } from '../terminal/output/show.js';
import { walletOptions } from '../terminal/wallet.js';

/** One thing that does not hold. */
interface Finding {
  readonly where: string;
  readonly id: string;
  readonly says: string;
}

const FINDING_LENGTH_MAX = 500;

interface Report {
  readonly entries: number;
  readonly payments: number;
  /** Times that the owner took money out, and how much arrived. */
  readonly withdrawals: number;
  readonly withdrawn_usd: string;
  readonly captured_usd: string;
  readonly held_usd: string;
  /** Payments of the last 30 days that were looked up on chain; null where the chain was left out. */
  readonly compared_with_chain: number | null;
  readonly compared_by_agent: ChainComparison['byAgent'];
  /** Payments that had been released although the chain shows them: they count as paid again. */
  readonly recaptured: readonly { readonly payment: PaymentView; readonly says: string }[];
  /** RPCs that could not be read beside others that could. */
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Re-derives every row and total of the ledger from its journal, checks the config's code and the checkpoint, and
 * compares the last 30 days with the chain. A payment that was released falsely is captured again.
 */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const keys = await unlockAsAnyone(walletOptions(call));
  const report = await auditWallet(home, keys, flags.has('offline') ? null : io.now());
  const { findings, entries, payments, recaptured, notes } = report;
  const holds = findings.length === 0;
  const message = holds
    ? `All holds: ${entries} journal entries, ${payments} payments.`
    : `${findings.length} ${findings.length === 1 ? 'thing does' : 'things do'} not hold.`;
  if (flags.has('json')) {
    const status = holds ? { status: 'ok', code: 'ok' } : { status: 'failed', code: 'ledger_damaged' };
    printJson(io, { ...status, message, ...report });
  } else {
    printLines(io.stdout, [
      ...findings.map(({ where, id, says }) => cleanLine(`${where} ${id}: ${says}`, FINDING_LENGTH_MAX)),
      message,
      ...recaptured.flatMap(({ payment, says }) => [
        paymentLine(payment),
        `  captured again: ${cleanLine(says, FINDING_LENGTH_MAX)}`,
      ]),
      ...notes.map((note) => cleanLine(note, FINDING_LENGTH_MAX)),
      ...report.compared_by_agent.map(
        ({ agent, network, payments }) =>
          `Compared with ${findNetwork(network)?.label ?? network}: ${payments} of the agent ${agent}, withdrawals included.`,
      ),
      `Captured $${report.captured_usd}, held $${report.held_usd}.`,
      ...(report.withdrawals === 0
        ? []
        : [`Taken out by you: $${report.withdrawn_usd} in ${report.withdrawals} withdrawals.`]),
    ]);
  }
  return holds ? 0 : 1;
}

async function auditWallet(home: string, keys: UnlockedWallet, compareAtMs: number | null): Promise<Report> {
  const config = findingOf('config', () => provedConfig(home, keys));
  let ledger: Ledger;
  try {
    ledger = await openLedger({ home }, keys);
  } catch (error) {
    // A head that does not hold is what an audit is for; a ledger that is not there is not.
    if (!isWalletError(error) || error.code !== 'ledger_damaged') throw error;
    const findings = [...config, toFinding('ledger', error)];
    const nothing = formatUsd(0n);
    return {
      entries: 0,
      payments: 0,
      withdrawals: 0,
      withdrawn_usd: nothing,
      captured_usd: nothing,
      held_usd: nothing,
      compared_with_chain: null,
      compared_by_agent: [],
      recaptured: [],
      notes: [],
      findings,
    };
  }
  try {
    const checkpoint = await checkpointFindings(async () => {
      const anchor = await keys.readAnchor();
      if (anchor !== null) await ledger.verifyCheckpoint(anchor);
    });
    const first = await ledger.audit();
    const comparable = compareAtMs !== null && config.length === 0 && first.findings.length === 0;
    const chain = comparable
      ? await compareWithChain(provedConfig(home, keys), keys, ledger, compareAtMs)
      : { compared: null, byAgent: [], recaptured: [], notes: [], findings: [] };
    // What was captured again is in the sums.
    const report = chain.recaptured.length === 0 ? first : await ledger.audit();
    if (chain.recaptured.length > 0) await rememberLedger(keys, ledger);
    return {
      entries: report.entries,
      payments: report.payments,
      withdrawals: report.withdrawals,
      withdrawn_usd: formatUsd(report.withdrawnUsdMicros),
      captured_usd: formatUsd(report.capturedUsdMicros),
      held_usd: formatUsd(report.liveUsdMicros),
      compared_with_chain: chain.compared,
      compared_by_agent: chain.byAgent,
      recaptured: chain.recaptured.map(({ attempt: payment, message }) => ({
        payment: viewPayment(payment),
        says: message,
      })),
      notes: chain.notes,
      findings: [...report.findings, ...config, ...checkpoint, ...chain.findings],
    };
  } finally {
    await ledger.close();
  }
}

function findingOf(where: string, check: () => unknown): Finding[] {
  try {
    check();
    return [];
  } catch (error) {
    return [toFinding(where, error)];
  }
}

async function checkpointFindings(check: () => Promise<void>): Promise<Finding[]> {
  return check().then(
    () => [],
    (error: unknown) => [toFinding('checkpoint', error)],
  );
}

function toFinding(where: string, error: unknown): Finding {
  if (!isWalletError(error)) throw error;
  return { where, id: error.code, says: error.shortMessage };
}
