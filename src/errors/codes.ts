/** What happened to money, as every result states it. */
export type MoneyState = 'none' | 'held' | 'captured' | 'unknown';

/** What the agent may do next about the same wish. */
export type Retry =
  | 'never'
  | 'same_call'
  /** The call as it was is in vain; a corrected one is not. */
  | 'with_changes'
  | 'new_quote'
  | 'after_approval'
  | 'after_owner'
  | 'after_delay';

interface CodeFacts {
  /** One sentence for the generated list of codes. */
  readonly summary: string;
  readonly retry: Retry;
  /** Exit code of the CLI (docs/design.md, "Tools"): 0 ok, 1 failed, 2 usage, 3 refused, 4 approval, 5 unknown, 6 set-up or locked. */
  readonly exit: 0 | 1 | 2 | 3 | 4 | 5 | 6;
}

/**
 * Every stable code a result or an error can carry. A code, once published, never changes meaning;
 * new ones are added as rows.
 */
export const CODES = {
  not_set_up: { summary: 'No wallet exists here yet.', retry: 'after_owner', exit: 6 },
  already_set_up: {
    summary: 'A wallet exists here already; a second is never made over it.',
    retry: 'never',
    exit: 6,
  },
  keychain_locked: {
    summary: 'The OS keychain is locked or did not answer in time.',
    retry: 'after_owner',
    exit: 6,
  },
  keystore_locked: { summary: 'The encrypted keystore needs its passphrase.', retry: 'after_owner', exit: 6 },
  wrong_passphrase: { summary: 'The passphrase does not open the keystore.', retry: 'after_owner', exit: 6 },
  keystore_unreadable: { summary: 'The keystore exists but cannot be read.', retry: 'after_owner', exit: 6 },
  keystore_unavailable: { summary: 'This machine has no OS keychain.', retry: 'after_owner', exit: 6 },
  config_invalid: {
    summary: 'config.json does not parse or breaks its schema.',
    retry: 'after_owner',
    exit: 6,
  },
  config_edited: {
    summary: 'config.json was edited without its authentication code.',
    retry: 'after_owner',
    exit: 6,
  },
  config_stale: {
    summary: 'config.json is an older version than the ledger has seen.',
    retry: 'after_owner',
    exit: 6,
  },
  home_unusable: {
    summary: 'The folder of the wallet cannot be read or written.',
    retry: 'after_owner',
    exit: 6,
  },
  home_unsafe: {
    summary: 'The folder of the wallet can be read or written by other users.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_missing: {
    summary: 'The ledger that the keystore remembers is gone.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_foreign: { summary: 'The ledger belongs to another wallet.', retry: 'after_owner', exit: 6 },
  ledger_older: {
    summary: 'The ledger is older than the checkpoint the keystore remembers.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_damaged: { summary: 'The ledger fails its own checks.', retry: 'after_owner', exit: 6 },
  ledger_newer: { summary: 'The ledger was written by a newer Purser.', retry: 'after_owner', exit: 6 },
  ledger_rebuilding: {
    summary: 'The ledger is being rebuilt; nothing is signed until that ends.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_unreachable: {
    summary: 'The database that holds the ledger cannot be asked; nothing is signed without it.',
    retry: 'after_delay',
    exit: 6,
  },
  ledger_busy: { summary: 'The ledger stayed locked by another process.', retry: 'after_delay', exit: 1 },
  server_busy: {
    summary: 'The server has more calls than it can begin; nothing was done.',
    retry: 'after_delay',
    exit: 1,
  },
  disk_full: { summary: 'The disk has no room for the ledger.', retry: 'after_owner', exit: 6 },
  frozen: { summary: 'The wallet is frozen.', retry: 'after_owner', exit: 3 },
  clock_wrong: {
    summary:
      "This computer's clock is off by over a minute, as others agree; nothing is signed until it is set.",
    retry: 'after_owner',
    exit: 3,
  },
  clock_unchecked: {
    summary: 'The true time could not be had, so what rests on it was not done.',
    retry: 'after_owner',
    exit: 1,
  },
  agent_suspended: { summary: 'The owner suspended this agent.', retry: 'after_owner', exit: 3 },
  agent_expired: { summary: 'The agent’s time is over.', retry: 'after_owner', exit: 3 },
  agents_full: {
    summary: 'The owner’s template allows no further agent to a client of the admin API.',
    retry: 'after_owner',
    exit: 3,
  },
  agent_unknown: { summary: 'The wallet has no agent by that name.', retry: 'after_owner', exit: 6 },
  agent_busy: {
    summary: 'The agent has money or open payments and cannot be removed yet.',
    retry: 'after_owner',
    exit: 3,
  },
  bad_input: { summary: 'An argument is missing, unknown or malformed.', retry: 'with_changes', exit: 2 },
  bad_url: { summary: 'The URL cannot be called.', retry: 'with_changes', exit: 2 },
  address_refused: {
    summary: 'The URL points to an address the wallet does not connect to.',
    retry: 'never',
    exit: 3,
  },
  host_denied: { summary: 'The owner denies this host.', retry: 'never', exit: 3 },
  host_not_allowed: { summary: 'The owner allows other hosts only.', retry: 'never', exit: 3 },
  file_not_allowed: {
    summary: 'The owner’s settings do not let this file be sent.',
    retry: 'with_changes',
    exit: 3,
  },
  not_priced: {
    summary: 'The endpoint asked for no payment and has done its work.',
    retry: 'never',
    exit: 0,
  },
  no_payable_offer: {
    summary: 'The endpoint asks for payment in a way this wallet cannot pay.',
    retry: 'never',
    exit: 3,
  },
  unsupported_scheme: {
    summary: 'The payment scheme is not one this wallet signs.',
    retry: 'never',
    exit: 3,
  },
  unsupported_network: { summary: 'The network is unknown to this wallet.', retry: 'never', exit: 3 },
  network_disabled: { summary: 'The owner has not enabled this network.', retry: 'never', exit: 3 },
  unsupported_asset: {
    summary: 'The asset is not in the table of dollars this wallet pays with.',
    retry: 'never',
    exit: 3,
  },
  malformed_offer: { summary: 'The offer cannot be read safely.', retry: 'never', exit: 3 },
  other_protocol: {
    summary: 'The endpoint asks for payment by a protocol this wallet does not speak.',
    retry: 'never',
    exit: 3,
  },
  price_above_max: {
    summary: 'The live price is above what this call allowed.',
    retry: 'new_quote',
    exit: 3,
  },
  quote_unknown: { summary: 'No such quote for this agent.', retry: 'new_quote', exit: 2 },
  quote_expired: { summary: 'The quote has expired.', retry: 'new_quote', exit: 3 },
  quote_mismatch: {
    summary: 'The request differs from the one that was quoted.',
    retry: 'new_quote',
    exit: 2,
  },
  idempotency_key_reused: {
    summary: 'The idempotency key belongs to another request.',
    retry: 'with_changes',
    exit: 2,
  },
  above_cap: { summary: 'The call passes a cap, which the owner can lift.', retry: 'never', exit: 3 },
  budget_spent: {
    summary:
      'The call does not fit what is left of a budget: of one of the owner’s, which they can raise, or of the one that its program was started with.',
    retry: 'after_owner',
    exit: 3,
  },
  budget_over: {
    summary: 'The run or the budget that the call belongs to has ended, or its time is over.',
    retry: 'never',
    exit: 3,
  },
  payee_changed: {
    summary: 'The seller wants the money at another address than before; the owner can allow that.',
    retry: 'never',
    exit: 3,
  },
  price_jumped: {
    summary: 'The price is far above what the endpoint usually costs; the owner can allow it.',
    retry: 'never',
    exit: 3,
  },
  above_ceiling: {
    summary: 'The call passes a ceiling; not even an approval allows it.',
    retry: 'never',
    exit: 3,
  },
  approval_required: {
    summary: 'The owner has been asked; the call goes on once they say yes.',
    retry: 'after_approval',
    exit: 4,
  },
  asks_limited: {
    summary: 'The owner was asked too often lately; nothing more is asked for a while.',
    retry: 'after_delay',
    exit: 3,
  },
  owner_proof_needed: {
    summary: 'Only the owner may do this, and nothing given with the command proves that it is them.',
    retry: 'after_owner',
    exit: 3,
  },
  terminal_needed: { summary: 'This is shown on a terminal only.', retry: 'after_owner', exit: 3 },
  factor_needed: {
    summary: "Only the owner's factor, a passphrase or a passkey, allows this.",
    retry: 'after_owner',
    exit: 3,
  },
  factor_wrong: { summary: 'The factor given is not one of this wallet.', retry: 'after_owner', exit: 3 },
  factor_slowed: {
    summary: 'Too many wrong tries of the factor; the next one has to wait.',
    retry: 'after_delay',
    exit: 3,
  },
  second_owner_needed: {
    summary: 'One owner proposed this; another one has to confirm it before it is done.',
    retry: 'after_owner',
    exit: 4,
  },
  factor_unreadable: {
    summary: 'A stored factor is not as it was written.',
    retry: 'after_owner',
    exit: 6,
  },
  approval_denied: {
    summary: 'The owner was asked about this call and said no.',
    retry: 'never',
    exit: 3,
  },
  approval_unknown: { summary: 'No such approval.', retry: 'never', exit: 2 },
  approval_closed: { summary: 'The approval was answered already.', retry: 'never', exit: 3 },
  approval_expired: { summary: 'Nobody answered the approval in time.', retry: 'new_quote', exit: 3 },
  approval_changed: {
    summary: 'What was answered is not what is asked.',
    retry: 'never',
    exit: 3,
  },
  rate_limited: { summary: 'Too many payments in the last minute.', retry: 'after_delay', exit: 3 },
  origin_paused: {
    summary: 'This origin took a payment and asked for more, or lied; it is paused.',
    retry: 'after_delay',
    exit: 3,
  },
  insufficient_funds: {
    summary: 'The wallet does not hold enough on any network the seller takes.',
    retry: 'after_owner',
    exit: 3,
  },
  allowance_required: {
    summary: 'The money would move through Permit2, which the owner has not allowed to move as much.',
    retry: 'after_owner',
    exit: 3,
  },
  gas_missing: {
    summary: 'No facilitator carries the withdrawal and the address has no coin to pay gas with.',
    retry: 'after_owner',
    exit: 3,
  },
  rpc_unavailable: { summary: "The network's RPC does not answer.", retry: 'after_delay', exit: 1 },
  payment_unresolved: {
    summary: 'An earlier payment for this request is still open.',
    retry: 'after_delay',
    exit: 5,
  },
  payment_unknown: {
    summary: 'The payment was sent and its end is not known yet.',
    retry: 'after_delay',
    exit: 5,
  },
  payment_rejected: {
    summary: 'The seller turned the payment away in verifying it; the money stays held until it expires.',
    retry: 'after_delay',
    exit: 5,
  },
  error_answer: {
    summary:
      'The seller answered the paid call with an error and gave no receipt; the money stays held until its end is proved.',
    retry: 'with_changes',
    exit: 5,
  },
  lightning_stopped: {
    summary:
      'The connected Lightning wallet took more than it was bound to; it pays nothing until the owner connects it again.',
    retry: 'after_owner',
    exit: 3,
  },
  payment_failed: {
    summary: 'The connected Lightning wallet did not pay, so nothing was spent.',
    retry: 'same_call',
    exit: 1,
  },
  payment_expired: {
    summary: 'The payment can no longer settle, as the chain proves; nothing was spent.',
    retry: 'same_call',
    exit: 1,
  },
  paid_not_delivered: {
    summary: 'The payment settled and the seller delivered nothing usable.',
    retry: 'never',
    exit: 1,
  },
  paid_error_answer: {
    summary: 'The payment settled and the seller answered with an error.',
    retry: 'never',
    exit: 1,
  },
  upstream_error: {
    summary: 'The endpoint answered with an error and asked for no payment.',
    retry: 'same_call',
    exit: 1,
  },
  redirected: {
    summary: 'The endpoint redirects; the wallet returned it instead of following.',
    retry: 'never',
    exit: 1,
  },
  unreachable: { summary: 'The endpoint could not be reached.', retry: 'same_call', exit: 1 },
  timed_out: { summary: 'The endpoint did not answer in time.', retry: 'same_call', exit: 1 },
  answer_too_large: { summary: 'The answer is larger than the wallet reads.', retry: 'never', exit: 1 },
  cancelled: { summary: 'The caller cancelled before anything was signed.', retry: 'same_call', exit: 1 },
  client_config: {
    summary: 'The file of an MCP client cannot be changed without harm; it is left as it was.',
    retry: 'after_owner',
    exit: 6,
  },
  not_found: { summary: 'Nothing by that id.', retry: 'never', exit: 2 },
  signer_refused: {
    summary: 'The signer found the intent unsafe and signed nothing.',
    retry: 'never',
    exit: 3,
  },
  internal: { summary: 'A fault of the wallet itself.', retry: 'never', exit: 1 },
} as const satisfies Record<string, CodeFacts>;

/** A stable code of {@link CODES}. */
export type Code = keyof typeof CODES;
