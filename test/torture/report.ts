import { formatUsd } from '../../src/money/decimal.js';
import type { Peak } from './exposure.js';

/** What came of a torture. */
export interface TortureReport {
  readonly seed: number;
  /** How much longer a payment took here than on a fast machine at rest. */
  readonly slowness: number;
  readonly calls: number;
  readonly callsByStatus: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly signed: number;
  readonly reachedSellers: number;
  /** Payments that each chain and the node show in the end, by its label. */
  readonly settledOn: ReadonlyMap<string, number>;
  readonly captured: number;
  readonly released: number;
  readonly unknown: number;
  /** The greatest exposure by the ledger, and as sellers, chains and node saw it. */
  readonly peakByLedger: Peak;
  readonly peakByWitness: Peak;
  readonly capUsdMicros: bigint;
  /** Sentences, one for each invariant that did not hold; none at all is success. */
  readonly broken: readonly string[];
}

/** The report as people read it. */
export function describeReport(report: TortureReport): string {
  const counts = (map: ReadonlyMap<string, number>): string =>
    [...map].map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`).join('\n');
  const peak = ({ usdMicros, capUsdMicros }: Peak): string =>
    `$${formatUsd(usdMicros)} under a cap of $${formatUsd(capUsdMicros)}`;
  const settled = [...report.settledOn].map(([chain, count]) => `${count} on ${chain}`).join(', ');
  return `Seed ${report.seed}, a machine ${report.slowness.toFixed(1)} times slower than a fast one at rest

Calls      ${report.calls}
${counts(report.callsByStatus)}

Faults     ${[...report.faults.values()].reduce((sum, count) => sum + count, 0)}
${counts(report.faults)}

Signed     ${report.signed} authorizations; ${report.reachedSellers} reached a seller or the node
Captured   ${report.captured}; chains and node show ${settled}
Released   ${report.released}
Unknown    ${report.unknown}

Greatest exposure, by the ledger                       ${peak(report.peakByLedger)}
Greatest exposure, as sellers, chains and node saw it  ${peak(report.peakByWitness)}
The cap at the end                                     $${formatUsd(report.capUsdMicros)}

${report.broken.length === 0 ? 'Every invariant held; ledger = chains and node to the atomic unit.' : `BROKEN\n${report.broken.map((one) => `  ${one}`).join('\n')}`}
`;
}
