import { describe, expect, test } from 'vitest';
import { capWords, timeAgo, timeLeft, waitWords } from './words.js';

describe('words for people', () => {
  test.each([
    ['limits.per_call_usd', 'One call'],
    ['limits.per_session_usd', 'This session'],
    ['limits.per_day_usd', '24 hours'],
    ['agents.research.limits.per_month_usd', '30 days, agent research'],
    ['limits.hosts.api.example.com:8443.per_day_usd', '24 hours, api.example.com:8443'],
    ['limits.categories.search.per_day_usd', '24 hours, search'],
    ['limits.per_year_usd', 'limits.per_year_usd'],
    ['', ''],
  ])('the limit %j is %j', (name, words) => {
    expect(capWords(name)).toBe(words);
  });

  test('time is in the unit that reads best, and never negative', () => {
    expect([600_000, 60_000, 59_999, 1, 0, -5].map(timeLeft)).toEqual([
      '10 min left',
      '1 min left',
      'less than a minute left',
      'less than a minute left',
      'no time left',
      'no time left',
    ]);
    expect([-1, 2_999, 59_999, 60_000, 3_600_000, 47 * 3_600_000, 72 * 3_600_000].map(timeAgo)).toEqual([
      '0 s ago',
      '2 s ago',
      '59 s ago',
      '1 min ago',
      '1 h ago',
      '47 h ago',
      '3 days ago',
    ]);
    expect([1, 5, 89, 90, 3600].map(waitWords)).toEqual([
      '1 second',
      '5 seconds',
      '89 seconds',
      '2 minutes',
      '60 minutes',
    ]);
  });
});
