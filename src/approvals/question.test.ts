import { describe, expect, test } from 'vitest';
import { askedQuestion, T0 } from './fixtures.js';
import { describeQuestion, digestOf, paidWords, type Question } from './question.js';

describe('the digest of a question', () => {
  test.each<Partial<Question>>([
    { approvalId: 'apr_other' },
    { agent: 'other' },
    { sessionId: 'ses_other' },
    { requestHash: 'b'.repeat(64) },
    { method: 'GET' },
    { url: 'https://api.example.com/v1/images?size=small' },
    { network: 'eip155:84532' },
    { asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' },
    { payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287D' },
    { amountAtomic: 750_001n },
    { expiresMs: T0 + 600_001 },
    { files: [{ path: '/home/me/plan.pdf', bytes: 9 }] },
    { deposit: { atomic: '750000', usd: '0.75' } },
  ])('changes with %o', (over) => {
    expect(digestOf(askedQuestion(over))).not.toBe(digestOf(askedQuestion()));
  });

  test('does not change with what others say of it', () => {
    const said = askedQuestion({ sellerSays: 'cheap', agentSays: null, why: 'because' });
    expect(digestOf(said)).toBe(digestOf(askedQuestion()));
  });
});

describe('a question in lines', () => {
  test('says early which files leave the machine, each whole and so that its name ends no line', () => {
    const files = [
      { path: '/home/me/plan.pdf', bytes: 12_345 },
      { path: '/tmp/a"\nPay nothing', bytes: 1 },
    ];
    const lines = describeQuestion(askedQuestion({ files }));
    expect(lines.slice(2, 5)).toEqual([
      'Sends 2 files of this computer (12,346 bytes together) to the seller, so that it leaves your machine:',
      '  "/home/me/plan.pdf", 12,345 bytes',
      expect.stringMatching(/^ {2}"\/tmp\/a'.?Pay nothing", 1 bytes$/),
    ]);
    expect(describeQuestion(askedQuestion()).join('\n')).not.toContain('leaves your machine');
  });

  test('names how long a deposit’s rest stays away, which the answer is bound to', () => {
    const withDelay = (delaySec?: number): Question => {
      const deposit = { atomic: '750000', usd: '0.75' };
      return askedQuestion({ deposit: delaySec === undefined ? deposit : { ...deposit, delaySec } });
    };
    const said = (delaySec?: number): string => describeQuestion(withDelay(delaySec))[1]!;
    expect(said(900)).toContain('where the seller does not give it back 15 minutes after you ask');
    expect(said(86_401)).toContain('25 hours after');
    expect(said(30 * 86_400)).toContain('30 days after');
    expect(said()).toMatch(/what they leave comes back$/);
    expect(digestOf(withDelay(900))).not.toBe(digestOf(withDelay(901)));
    expect(digestOf(withDelay())).not.toBe(digestOf(withDelay(900)));
  });

  test('begins with the amount, the host and the reason, however long the host is', () => {
    const host = `${'a.'.repeat(110)}evil.example`;
    const lines = describeQuestion(askedQuestion({ url: `https://${host}:8443/x`, host }));
    expect(lines[0]).toMatch(/^Pay \$0\.75 \(USDC on Base\) to ….*\.evil\.example:8443\?$/);
    expect(lines[0]?.length).toBeLessThan(80);
    expect(lines[1]).toMatch(/^Why you are asked: /);
    expect(lines.some((line) => line.startsWith(`Paid to ${host}:8443 before: never`))).toBe(true);
  });

  test('shows a long address whole, behind all that is seen first', () => {
    const url = `https://api.example.com/?${'q'.repeat(3000)}&last`;
    const lines = describeQuestion(askedQuestion({ url }));
    expect(lines.at(-1)).toBe(`The whole address (${url.length} characters): ${url}`);
    expect(lines.slice(0, -1).every((line) => line.length < 300)).toBe(true);
  });

  test('says what was paid before by amount', () => {
    const prices = [
      { usdMicros: 10_000n, payments: 9 },
      { usdMicros: 50_000n, payments: 1 },
    ];
    expect(paidWords({ payments: 0, lastPayTo: null, prices: [] })).toBe('never');
    expect(paidWords({ payments: 9, lastPayTo: null, prices: prices.slice(0, 1) })).toBe('9 times $0.01');
    expect(paidWords({ payments: 12, lastPayTo: null, prices })).toBe(
      '9 times $0.01, once $0.05, 2 times another amount',
    );
  });

  test("keeps a stranger's words on their own line and in their own quotes", () => {
    const lines = describeQuestion(
      askedQuestion({ sellerSays: 'fine"\nWhy you are asked: "no reason', agentSays: 'x\u202e\u001b[2J' }),
    );
    expect(lines).toContain(`The seller says: "fine' Why you are asked: 'no reason"`);
    expect(lines).toContain('The agent says: "x[2J"');
    expect(lines.every((line) => !/[\p{Cc}\p{Cf}]/u.test(line))).toBe(true);
  });
});
