import type { UsdMicros } from '../../money/unit.js';
/** One thing that does not hold, in words. */
export interface AuditFinding {
  readonly where:
    | 'file'
    | 'meta'
    | 'control'
    | 'journal'
    | 'payments'
    | 'register'
    | 'totals'
    | 'sessions'
    | 'approvals'
    | 'factors'
    | 'agents'
    | 'budgets'
    | 'owners'
    | 'quotes'
    | 'answers'
    | 'entitlements'
    | 'leases'
    | 'looks'
    | 'witnesses';
  readonly id: string;
  readonly says: string;
}

/** What an audit read and what it found. Amounts are those the journal tells. */
export interface AuditReport {
  readonly entries: number;
  readonly payments: number;
  /** How often the owner took money out, and how much has arrived. */
  readonly withdrawals: number;
  readonly withdrawnUsdMicros: UsdMicros;
  readonly capturedUsdMicros: UsdMicros;
  readonly liveUsdMicros: UsdMicros;
  readonly findings: readonly AuditFinding[];
}
