import { expect, test } from 'vitest';
import type { Approval } from '../../approvals/inbox.js';
import { askedQuestion, T0 } from '../../approvals/fixtures.js';
import { digestOf, type Question } from '../../approvals/question.js';
import { viewQuestion } from './question.js';

async function shown(over: Partial<Question>): Promise<string> {
  const question = askedQuestion(over);
  const approval: Approval = {
    ...{ question, digest: digestOf(question), state: 'pending', choices: { session: null, payee: false } },
    ...{ answer: null, answeredMs: null, answeredBy: null, paymentId: null, isBlocking: false },
  };
  return String(await viewQuestion(approval, T0, false));
}

test('the page names each file that leaves the machine, and its size', async () => {
  const page = await shown({ files: [{ path: '/home/me/<b>plan</b>.pdf', bytes: 12_345 }] });
  expect(page).toContain('Sends a file of this computer (12,345 bytes) to the seller');
  expect(page).toContain('&quot;/home/me/&lt;b&gt;plan&lt;/b&gt;.pdf&quot;, 12,345 bytes');
  expect(await shown({})).not.toContain('leaves your machine');
});
