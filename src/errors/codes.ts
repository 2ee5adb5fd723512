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
  readonly means: string;
  readonly retry: Retry;
  /** Exit code of the CLI (docs/design.md, "Tools"): 0 ok, 1 failed, 2 usage, 3 refused, 4 approval, 5 unknown, 6 set-up or locked. */
  readonly exit: 0 | 1 | 2 | 3 | 4 | 5 | 6;
}

/**
 * Every stable code a result or an error can carry. A code, once published, never changes meaning;
 * new ones are added as rows.
 */
export const CODES = {
  not_set_up: { means: 'No wallet exists here yet.', retry: 'after_owner', exit: 6 },
  already_set_up: {
    means: 'A wallet exists here already; a second is never made over it.',
    retry: 'never',
    exit: 6,
  },
  keychain_locked: {
    means: 'The OS keychain is locked or did not answer in time.',
    retry: 'after_owner',
    exit: 6,
  },
  keystore_locked: { means: 'The encrypted keystore needs its passphrase.', retry: 'after_owner', exit: 6 },
  wrong_passphrase: { means: 'The passphrase does not open the keystore.', retry: 'after_owner', exit: 6 },
  keystore_unreadable: { means: 'The keystore exists but cannot be read.', retry: 'after_owner', exit: 6 },
  keystore_unavailable: { means: 'This machine has no OS keychain.', retry: 'after_owner', exit: 6 },
  config_invalid: {
    means: 'config.json does not parse or breaks its schema.',
    retry: 'after_owner',
    exit: 6,
  },
  config_edited: {
    means: 'config.json was edited without its authentication code.',
    retry: 'after_owner',
    exit: 6,
  },
  config_stale: {
    means: 'config.json is an older version than the ledger has seen.',
    retry: 'after_owner',
    exit: 6,
  },
  home_unusable: {
    means: 'The folder of the wallet cannot be read or written.',
    retry: 'after_owner',
    exit: 6,
  },
  home_unsafe: {
    means: 'The folder of the wallet can be read or written by other users.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_missing: { means: 'The ledger that the keystore remembers is gone.', retry: 'after_owner', exit: 6 },
  ledger_foreign: { means: 'The ledger belongs to another wallet.', retry: 'after_owner', exit: 6 },
  ledger_older: {
    means: 'The ledger is older than the checkpoint the keystore remembers.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_damaged: { means: 'The ledger fails its own checks.', retry: 'after_owner', exit: 6 },
  ledger_newer: { means: 'The ledger was written by a newer Purser.', retry: 'after_owner', exit: 6 },
  ledger_rebuilding: {
    means: 'The ledger is being rebuilt; nothing is signed until that ends.',
    retry: 'after_owner',
    exit: 6,
  },
  ledger_busy: { means: 'The ledger stayed locked by another process.', retry: 'after_delay', exit: 1 },
  server_busy: {
    means: 'The server has more calls than it can begin; nothing was done.',
    retry: 'after_delay',
    exit: 1,
  },
  disk_full: { means: 'The disk has no room for the ledger.', retry: 'after_owner', exit: 6 },
  frozen: { means: 'The wallet is frozen.', retry: 'after_owner', exit: 3 },
  clock_wrong: {
    means:
      "This computer's clock is off by over a minute, as others agree; nothing is signed until it is set.",
    retry: 'after_owner',
    exit: 3,
  },
  clock_unchecked: {
    means: 'The true time could not be had, so what rests on it was not done.',
    retry: 'after_owner',
    exit: 1,
  },
  agent_suspended: { means: 'The owner suspended this agent.', retry: 'after_owner', exit: 3 },
  agent_unknown: { means: 'The wallet has no agent by that name.', retry: 'after_owner', exit: 6 },
  agent_busy: {
    means: 'The agent has money or open payments and cannot be removed yet.',
    retry: 'after_owner',
    exit: 3,
  },
  bad_input: { means: 'An argument is missing, unknown or malformed.', retry: 'with_changes', exit: 2 },
  bad_url: { means: 'The URL cannot be called.', retry: 'with_changes', exit: 2 },
  address_refused: {
    means: 'The URL points to an address the wallet does not connect to.',
    retry: 'never',
    exit: 3,
  },
  host_denied: { means: 'The owner denies this host.', retry: 'never', exit: 3 },
  host_not_allowed: { means: 'The owner allows other hosts only.', retry: 'never', exit: 3 },
  not_priced: { means: 'The endpoint asked for no payment and has done its work.', retry: 'never', exit: 0 },
  no_payable_offer: {
    means: 'The endpoint asks for payment in a way this wallet cannot pay.',
    retry: 'never',
    exit: 3,
  },
  unsupported_scheme: { means: 'The payment scheme is not one this wallet signs.', retry: 'never', exit: 3 },
  unsupported_network: { means: 'The network is unknown to this wallet.', retry: 'never', exit: 3 },
  network_disabled: { means: 'The owner has not enabled this network.', retry: 'never', exit: 3 },
  unsupported_asset: {
    means: 'The asset is not in the table of dollars this wallet pays with.',
    retry: 'never',
    exit: 3,
  },
  malformed_offer: { means: 'The offer cannot be read safely.', retry: 'never', exit: 3 },
  other_protocol: {
    means: 'The endpoint asks for payment by a protocol this wallet does not speak.',
    retry: 'never',
    exit: 3,
  },
  price_above_max: { means: 'The live price is above what this call allowed.', retry: 'new_quote', exit: 3 },
  quote_unknown: { means: 'No such quote for this agent.', retry: 'new_quote', exit: 2 },
  quote_expired: { means: 'The quote has expired.', retry: 'new_quote', exit: 3 },
  quote_mismatch: { means: 'The request differs from the one that was quoted.', retry: 'new_quote', exit: 2 },
  idempotency_key_reused: {
    means: 'The idempotency key belongs to another request.',
    retry: 'with_changes',
    exit: 2,
  },
  above_cap: { means: 'The call passes a cap, which the owner can lift.', retry: 'never', exit: 3 },
  payee_changed: {
    means: 'The seller wants the money at another address than before; the owner can allow that.',
    retry: 'never',
    exit: 3,
  },
  price_jumped: {
    means: 'The price is far above what the endpoint usually costs; the owner can allow it.',
    retry: 'never',
    exit: 3,
  },
  above_ceiling: {
    means: 'The call passes a ceiling; not even an approval allows it.',
    retry: 'never',
    exit: 3,
  },
  approval_required: {
    means: 'The owner has been asked; the call goes on once they say yes.',
    retry: 'after_approval',
    exit: 4,
  },
  asks_limited: {
    means: 'The owner was asked too often lately; nothing more is asked for a while.',
    retry: 'after_delay',
    exit: 3,
  },
  owner_proof_needed: {
    means: 'Only the owner may do this, and nothing given with the command proves that it is them.',
    retry: 'after_owner',
    exit: 3,
  },
  terminal_needed: { means: 'This is shown on a terminal only.', retry: 'after_owner', exit: 3 },
  factor_needed: {
    means: "Only the owner's factor, a passphrase or a passkey, allows this.",
    retry: 'after_owner',
    exit: 3,
  },
  factor_wrong: { means: 'The factor given is not one of this wallet.', retry: 'after_owner', exit: 3 },
  factor_slowed: {
    means: 'Too many wrong tries of the factor; the next one has to wait.',
    retry: 'after_delay',
    exit: 3,
  },
  factor_unreadable: {
    means: 'A stored factor is not as it was written.',
    retry: 'after_owner',
    exit: 6,
  },
  approval_denied: {
    means: 'The owner was asked about this call and said no.',
    retry: 'never',
    exit: 3,
  },
  approval_unknown: { means: 'No such approval.', retry: 'never', exit: 2 },
  approval_closed: { means: 'The approval was answered already.', retry: 'never', exit: 3 },
  approval_expired: { means: 'Nobody answered the approval in time.', retry: 'new_quote', exit: 3 },
  approval_changed: {
    means: 'What was answered is not what is asked.',
    retry: 'never',
    exit: 3,
  },
  rate_limited: { means: 'Too many payments in the last minute.', retry: 'after_delay', exit: 3 },
  origin_paused: {
    means: 'This origin took a payment and asked for more, or lied; it is paused.',
    retry: 'after_delay',
    exit: 3,
  },
  insufficient_funds: {
    means: 'The wallet does not hold enough on any network the seller takes.',
    retry: 'after_owner',
    exit: 3,
  },
  gas_missing: {
    means: 'No facilitator carries the withdrawal and the address has no coin to pay gas with.',
    retry: 'after_owner',
    exit: 3,
  },
  rpc_unavailable: { means: "The network's RPC does not answer.", retry: 'after_delay', exit: 1 },
  payment_unresolved: {
    means: 'An earlier payment for this request is still open.',
    retry: 'after_delay',
    exit: 5,
  },
  payment_unknown: {
    means: 'The payment was sent and its end is not known yet.',
    retry: 'after_delay',
    exit: 5,
  },
  payment_rejected: {
    means: 'The seller turned the payment away in verifying it; the money stays held until it expires.',
    retry: 'after_delay',
    exit: 5,
  },
  error_answer: {
    means:
      'The seller answered the paid call with an error and gave no receipt; the money stays held until its end is proved.',
    retry: 'with_changes',
    exit: 5,
  },
  payment_expired: {
    means: 'The payment can no longer settle, as the chain proves; nothing was spent.',
    retry: 'same_call',
    exit: 1,
  },
  paid_not_delivered: {
    means: 'The payment settled and the seller delivered nothing usable.',
    retry: 'never',
    exit: 1,
  },
  paid_error_answer: {
    means: 'The payment settled and the seller answered with an error.',
    retry: 'never',
    exit: 1,
  },
  upstream_error: {
    means: 'The endpoint answered with an error and asked for no payment.',
    retry: 'same_call',
    exit: 1,
  },
  redirected: {
    means: 'The endpoint redirects; the wallet returned it instead of following.',
    retry: 'never',
    exit: 1,
  },
  unreachable: { means: 'The endpoint could not be reached.', retry: 'same_call', exit: 1 },
  timed_out: { means: 'The endpoint did not answer in time.', retry: 'same_call', exit: 1 },
  answer_too_large: { means: 'The answer is larger than the wallet reads.', retry: 'never', exit: 1 },
  cancelled: { means: 'The caller cancelled before anything was signed.', retry: 'same_call', exit: 1 },
  client_config: {
    means: 'The file of an MCP client cannot be changed without harm; it is left as it was.',
    retry: 'after_owner',
    exit: 6,
  },
  not_found: { means: 'Nothing by that id.', retry: 'never', exit: 2 },
  signer_refused: {
    means: 'The signer found the intent unsafe and signed nothing.',
    retry: 'never',
    exit: 3,
  },
  internal: { means: 'A fault of the wallet itself.', retry: 'never', exit: 1 },
} as const satisfies Record<string, CodeFacts>;

/** A stable code of {@link CODES}. */
export type Code = keyof typeof CODES;
