import type { HeaderList } from '../../payment/challenge.js';
import { isJsonObject, parseJson, statedLine, type JsonObject } from '../../text/json.js';
import { CHALLENGE_BYTES_MAX } from './challenge/parse.js';
import { headerValues, readJsonHeader } from './header.js';
import { readReceipt } from './receipt.js';

/** The clause of a seller that finds too little money where the payment comes from. */
export const TOO_LITTLE = 'it finds too little money at the paying address';

const REASON_CODE_POINTS_MAX = 120;

/**
 * Why a payment was turned away before anything was handed to the chain: the reasons of `verify` in @x402/evm and
 * @x402/svm 2.27.0 and in the specification of v1, by what they come to.
 *
 * Left out is every reason that can also be given once the payment is under way or over: a nonce that was used, a
 * duplicate, a pending or failed transaction, and all that is free text, such as `fetch failed`.
 */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  [TOO_LITTLE]: ['insufficient_funds', 'invalid_exact_evm_insufficient_balance'],
  'it does not accept the signature': [
    'invalid_exact_evm_payload_signature',
    'invalid_exact_evm_signature',
    'invalid_exact_evm_failed_to_parse_signature',
    'invalid_exact_svm_payload_signature_invalid',
    'invalid_exact_svm_payload_excessive_signers',
  ],
  'it finds the payment too early or too late': [
    'invalid_exact_evm_payload_authorization_valid_after',
    'invalid_exact_evm_payload_authorization_valid_before',
  ],
  'it finds that the payment does not match its terms': [
    'invalid_exact_evm_authorization_value',
    'invalid_exact_evm_network_mismatch',
    'invalid_exact_evm_payload_authorization_value',
    'invalid_exact_evm_payload_authorization_value_mismatch',
    'invalid_exact_evm_payload_recipient_mismatch',
    'invalid_exact_evm_recipient_mismatch',
    'invalid_exact_evm_scheme',
    'invalid_exact_svm_fee_payer_mismatch',
    'invalid_exact_svm_fee_payer_not_managed_by_facilitator',
    'invalid_exact_svm_network_mismatch',
    'invalid_exact_svm_payload_amount_mismatch',
    'invalid_exact_svm_payload_memo_count',
    'invalid_exact_svm_payload_memo_mismatch',
    'invalid_exact_svm_payload_mint_mismatch',
    'invalid_exact_svm_payload_recipient_mismatch',
    'invalid_exact_svm_unsupported_scheme',
    'invalid_network',
    'invalid_scheme',
    'extension_echo_mismatch',
  ],
  'it cannot take a payment of this form': [
    'asset_not_deployed_contract',
    'invalid_exact_evm_eip3009_not_supported',
    'invalid_exact_evm_missing_eip712_domain',
    'invalid_exact_evm_token_name_mismatch',
    'invalid_exact_evm_token_version_mismatch',
    'invalid_exact_svm_payload_missing_fee_payer',
    'invalid_exact_svm_payload_no_transfer_instruction',
    'invalid_exact_svm_payload_transaction',
    'invalid_exact_svm_payload_transaction_could_not_be_decoded',
    'invalid_exact_svm_payload_transaction_fee_payer_transferring_funds',
    'invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction',
    'invalid_exact_svm_payload_transaction_instructions_compute_limit_instruction_too_high',
    'invalid_exact_svm_payload_transaction_instructions_compute_price_instruction',
    'invalid_exact_svm_payload_transaction_instructions_compute_price_instruction_too_high',
    'invalid_exact_svm_payload_transaction_instructions_length',
    'invalid_exact_svm_payload_unknown_fourth_instruction',
    'invalid_exact_svm_payload_unknown_fifth_instruction',
    'invalid_exact_svm_payload_unknown_sixth_instruction',
    'invalid_exact_svm_payload_unknown_seventh_instruction',
    'invalid_exact_svm_payload_unknown_optional_instruction',
    'invalid_payload',
    'invalid_payment_requirements',
    'invalid_x402_version',
    'unsupported_asset_transfer_method',
    'unsupported_payload_type',
    'unsupported_payment_flow',
    'unsupported_scheme',
  ],
  'its own check of the payment failed': [
    'invalid_exact_evm_transaction_simulation_failed',
    'invalid_exact_svm_transaction_simulation_failed',
    'invalid_exact_svm_verification_failed',
    'verification_failed',
  ],
};

/** The clause of ours that stands for each reason of verification. */
export const VERIFICATION_REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries(REASONS).flatMap(([clause, reasons]) => reasons.map((reason) => [reason, clause] as const)),
);

/**
 * Why the seller says it turned a payment away before settling it, as a clause of ours; null where it says anything
 * else. From the receipt, else from the offer that a further 402 makes: its header (v2) or its body (v1).
 *
 * A claim, nothing more (T28). Never throws.
 */
export function readRejection(headers: HeaderList, bodyText: string): string | null {
  const receipt = readReceipt(headers);
  const reason = receipt === null ? statedError(headers, bodyText) : receipt.errorReason;
  if (reason === undefined || receipt?.success === true || receipt?.transaction !== undefined) return null;
  return VERIFICATION_REASONS.get(reason.toLowerCase()) ?? null;
}

function statedError(headers: HeaderList, bodyText: string): string | undefined {
  const offers = headerValues(headers, 'payment-required').map((value) =>
    readJsonHeader(value, CHALLENGE_BYTES_MAX),
  );
  const body = parseJson(bodyText);
  const stated = [...offers, isJsonObject(body) ? body : undefined];
  return stated
    .filter((object): object is JsonObject => object !== undefined)
    .map((object) => statedLine(object, 'error', REASON_CODE_POINTS_MAX))
    .find((error) => error !== undefined);
}
