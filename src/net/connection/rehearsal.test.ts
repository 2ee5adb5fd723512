import { expect, test } from 'vitest';
import { rehearseExchange } from './rehearsal.js';

test('an exchange is rehearsed to its end, with an answer of some size', async () => {
  const header = ['payment-required', 'x'.repeat(2_000)] as const;
  await expect(rehearseExchange('https://rehearsal.invalid', [header])).resolves.toBeUndefined();
});
