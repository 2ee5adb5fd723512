import { randomBytes } from 'node:crypto';
import type { SolanaTransferIntent } from '../../payment/intent.js';
import {
  messageHash,
  writeTransferMessage,
  type MessageParts,
} from '../../protocols/solana/solanaMessage.js';

const MEMO_BYTES = 16;
/** What a transfer and a memo of ours take, with room; what the reference client asks for. */
export const COMPUTE_UNITS = 20_000;
/** 150 blocks of some 0.4 s, and a little: an estimate, see {@link SolanaTransferIntent}. */
const LIFE_ESTIMATE_SEC = 75;

/** A memo that no other message has. */
export function newMemo(): string {
  return randomBytes(MEMO_BYTES).toString('hex');
}

/** How long the message of these parts lives, and what it is known by. */
export async function timed(
  parts: MessageParts,
  lastBlock: number,
  nowMs: number,
): Promise<Pick<SolanaTransferIntent, 'validBeforeBlock' | 'validAfterSec' | 'validBeforeSec' | 'nonce'>> {
  return {
    validBeforeBlock: lastBlock,
    validAfterSec: 0,
    validBeforeSec: Math.floor(nowMs / 1000) + LIFE_ESTIMATE_SEC,
    nonce: messageHash(await writeTransferMessage(parts)),
  };
}
