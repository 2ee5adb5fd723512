/** Version of the tables below; stored in `PRAGMA user_version`. One more for each step in migration.ts. */
export const SCHEMA_VERSION = 6;

/** Since version 3; see {@link SCHEMA_SQL}. A table that a step makes is spelled once, for the step and for new ledgers. */
export const LOOK_TABLES = `
CREATE TABLE looks (
  payment_id TEXT PRIMARY KEY,
  due_ms INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  reason TEXT,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE witnesses (
  payment_id TEXT NOT NULL,
  operator TEXT NOT NULL,
  mark TEXT,
  search TEXT,
  mac BLOB NOT NULL,
  PRIMARY KEY (payment_id, operator)
) STRICT, WITHOUT ROWID;
`;

/** Since version 4. */
export const LEASE_TABLE = `
CREATE TABLE leases (
  payment_id TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Since version 5. */
export const ENTITLEMENT_TABLE = `
CREATE TABLE entitlements (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  kind TEXT NOT NULL,
  origin TEXT NOT NULL,
  path TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'spent', 'expired', 'revoked')),
  value_left TEXT,
  unit TEXT,
  expires_ms INTEGER,
  payment_id TEXT,
  facts TEXT NOT NULL,
  secret BLOB,
  revision INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_live_entitlement_per_place ON entitlements (agent, origin, kind, path, subject)
  WHERE state = 'live';
CREATE INDEX entitlements_by_time ON entitlements (changed_ms);
`;

/** Since version 5. */
export const BUDGET_TABLE = `
CREATE TABLE budgets (
  id TEXT PRIMARY KEY,
  parent_id TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('team', 'agent', 'run')),
  agent TEXT NOT NULL,
  name TEXT NOT NULL,
  usd_micros INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_open ON budgets (parent_id) WHERE ended_ms IS NULL;
`;

/**
 * Since version 6 with row numbers: a row is larger than a page of an index may hold whole, so that each comparison of a search by
 * `id` read it out of other pages.
 */
export const PAYMENT_TABLE = `
CREATE TABLE payments (
  id TEXT NOT NULL PRIMARY KEY,
  agent TEXT NOT NULL,
  session_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'signed', 'sent', 'unknown', 'captured', 'released')),
  request_hash TEXT NOT NULL,
  idempotency_key TEXT,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  origin TEXT NOT NULL,
  host TEXT NOT NULL,
  category TEXT,
  protocol TEXT NOT NULL,
  scheme TEXT NOT NULL,
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  pay_from TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  held_atomic TEXT NOT NULL,
  held_usd_micros INTEGER NOT NULL,
  captured_atomic TEXT,
  captured_usd_micros INTEGER,
  nonce TEXT NOT NULL,
  valid_after_sec INTEGER NOT NULL,
  valid_before_sec INTEGER NOT NULL,
  payload TEXT,
  config_version INTEGER NOT NULL,
  opened_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  captured_ms INTEGER,
  counted_ms INTEGER,
  confirmed INTEGER NOT NULL,
  tx TEXT,
  receipt TEXT,
  note TEXT,
  reason TEXT,
  quote_id TEXT,
  approval_id TEXT,
  past_caps TEXT,
  opened_wall_ms INTEGER,
  captured_wall_ms INTEGER,
  delivery TEXT,
  budget_path TEXT,
  labels TEXT,
  mac BLOB NOT NULL
) STRICT;
`;

/** Since version 6 those by time end with the id, which the table's key was in each of them before. */
export const PAYMENT_INDEXES = `
CREATE UNIQUE INDEX one_live_payment_per_request ON payments (request_hash)
  WHERE state IN ('held', 'signed', 'sent', 'unknown');
CREATE UNIQUE INDEX one_payment_per_key ON payments (agent, idempotency_key)
  WHERE idempotency_key IS NOT NULL AND state <> 'released';
CREATE UNIQUE INDEX one_payment_per_nonce ON payments (network, pay_from, nonce);
CREATE INDEX payments_by_request ON payments (request_hash, captured_ms) WHERE state = 'captured';
CREATE INDEX payments_by_time ON payments (opened_ms, id);
CREATE INDEX payments_by_agent ON payments (agent, opened_ms, id);
CREATE INDEX payments_by_origin ON payments (origin, opened_ms, id);
CREATE INDEX payments_by_endpoint ON payments (method, substr(url, 1, instr(url || '?', '?') - 1), opened_ms)
  WHERE state = 'captured';
CREATE INDEX payments_open ON payments (state, changed_ms)
  WHERE state IN ('held', 'signed', 'sent', 'unknown') OR (state = 'captured' AND confirmed = 0);
`;

/**
 * The tables. A row has its authentication code in `mac`, which is found by its name: in a ledger that was brought up to
 * date, later columns stand behind it. `journal` is append-only and chained instead, and `register` is vouched for by the
 * head in `control`. `leases`, `looks` and `witnesses` serve open payments and are no facts about money: to lose a row
 * costs time only. To lose one of `entitlements` costs what it was good for, and frees no limit. Dollars are integers of
 * micro-dollars, atomic amounts are text: neither is ever a float.
 */
export const SCHEMA_SQL = `
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE control (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  head_seq INTEGER NOT NULL,
  head_hash TEXT NOT NULL,
  head_ms INTEGER NOT NULL,
  attested_seq INTEGER NOT NULL,
  attested_hash TEXT NOT NULL,
  frozen INTEGER NOT NULL,
  config_version INTEGER NOT NULL,
  register BLOB NOT NULL,
  mac BLOB NOT NULL
) STRICT;

CREATE TABLE register (
  bucket INTEGER PRIMARY KEY,
  entries TEXT NOT NULL
) STRICT;

CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  data TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_subject ON journal (subject, seq);
CREATE TRIGGER journal_keeps_rows BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END;
CREATE TRIGGER journal_keeps_text BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  active_ms INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quotes (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  session_id TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  request TEXT NOT NULL,
  challenge TEXT NOT NULL,
  offer_index INTEGER NOT NULL,
  usd_micros INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX quotes_by_expiry ON quotes (expires_ms);

${PAYMENT_TABLE}
${PAYMENT_INDEXES}
CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  session_id TEXT NOT NULL,
  ask_key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  origin TEXT NOT NULL,
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  amount_atomic TEXT NOT NULL,
  usd_micros INTEGER NOT NULL,
  digest TEXT NOT NULL,
  question TEXT NOT NULL,
  request TEXT NOT NULL,
  challenge TEXT NOT NULL,
  offer_index INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'consumed')),
  prompts INTEGER NOT NULL,
  answer TEXT,
  answered_how TEXT,
  answered_by TEXT,
  answered_ms INTEGER,
  payment_id TEXT,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_time ON approvals (created_ms);
CREATE INDEX approvals_by_ask ON approvals (ask_key, created_ms);
CREATE INDEX approvals_open ON approvals (expires_ms) WHERE state IN ('pending', 'approved');

CREATE TABLE factors (
  id TEXT PRIMARY KEY,
  record TEXT NOT NULL,
  added_ms INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
  payment_id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB,
  stored_id TEXT,
  bytes INTEGER NOT NULL,
  truncated INTEGER NOT NULL,
  stored_ms INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_in_files ON answers (agent, stored_id, stored_ms, bytes) WHERE stored_id IS NOT NULL;
CREATE INDEX answers_inline ON answers (agent, stored_ms, bytes) WHERE body IS NOT NULL;

CREATE TABLE totals (
  scope TEXT NOT NULL,
  span_sec INTEGER NOT NULL,
  start_sec INTEGER NOT NULL,
  usd_micros INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (scope, span_sec, start_sec)
) STRICT, WITHOUT ROWID;

${LOOK_TABLES}
${LEASE_TABLE}
${ENTITLEMENT_TABLE}
${BUDGET_TABLE}
`;
