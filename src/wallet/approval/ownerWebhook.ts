import type { Question } from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import { formatUsd } from '../../money/decimal.js';
import { readBody } from '../../net/body.js';
import { parseCallUrl } from '../../net/destination/url.js';
import type { Engine } from '../engine.js';

/** A webhook answers within this or is not waited for: a call is in progress. */
const WEBHOOK_MS_MAX = 5_000;
const CONNECT_MS_MAX = 3_000;
/** Nothing of its answer is used. */
const ANSWER_BYTES_MAX = 4_096;

/**
 * Tells `approvals.webhook_url` that a question waits, under the owner's own rules for the network. Nothing in it
 * suffices to answer the question (T20). Failures are ignored: the question waits elsewhere too.
 */
export async function tellWebhook(engine: Engine, config: Config, question: Question): Promise<void> {
  const { webhookUrl } = config.approvals;
  if (webhookUrl === 'none') return;
  const event = {
    event: 'approval_pending',
    approval_id: question.approvalId,
    agent: question.agent,
    session: question.sessionId,
    method: question.method,
    host: question.host,
    usd: formatUsd(question.usdMicros),
    network: question.network,
    pay_to: question.payTo,
    why: question.why,
    expires_at: new Date(question.expiresMs).toISOString(),
    answer_with: engine.ownerCommand?.({ kind: 'approve', id: question.approvalId }),
  };
  try {
    const answer = await engine.net(config).send(
      {
        method: 'POST',
        url: parseCallUrl(webhookUrl, { allowPrivate: config.net.allowPrivate }),
        headers: [['content-type', 'application/json']],
        body: new TextEncoder().encode(JSON.stringify(event)),
      },
      {
        deadline: {
          connectMs: CONNECT_MS_MAX,
          firstByteMs: WEBHOOK_MS_MAX,
          wholeMs: WEBHOOK_MS_MAX,
        },
        signal: engine.closing,
        redirects: 'return',
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
    );
    await readBody(answer, { bytesMax: ANSWER_BYTES_MAX });
  } catch {
    // The owner hears of it elsewhere; the agent has no business with it.
  }
}
