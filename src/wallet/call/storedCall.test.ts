import { expect, test } from 'vitest';
import { callerOf } from './request.fixture.js';
import { parseRequest } from './request.js';
import { rememberCredentials, restoreCall, storeCall } from './storedCall.js';

const URL_ = 'https://api.example.com/v1/report';
const callOf = (agent: string) =>
  parseRequest({ url: URL_, headers: { Authorization: `Bearer of ${agent}` } }, callerOf(agent), []);

test('an agent in a loop of quotes costs another none of its credentials', () => {
  const restored = (agent: string, id: string) =>
    restoreCall(id, storeCall(callOf(agent)), {}, callerOf(agent), []);
  rememberCredentials('bob', 'quote_of_bob', callOf('bob'));
  for (let i = 0; i <= 600; i++) rememberCredentials('ada', `quote_${i}`, callOf('ada'));
  expect(restored('bob', 'quote_of_bob')?.headers).toContainEqual(['authorization', 'Bearer of bob']);
  // Nor does an id open another's.
  expect(restored('ada', 'quote_of_bob')).toBeNull();
  expect(restored('ada', 'quote_600')).not.toBeNull();
  expect(restored('ada', 'quote_0')).toBeNull();
});
