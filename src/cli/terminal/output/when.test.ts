import { describe, expect, it } from 'vitest';
import { pastInstant } from './when.js';

const NOON = Date.UTC(2026, 10, 20, 12);

describe('pastInstant', () => {
  it.each([
    ['30m', '2026-11-20T11:30:00.000Z'],
    ['24h', '2026-11-19T12:00:00.000Z'],
    ['7d', '2026-11-13T12:00:00.000Z'],
  ])('reads %s as that long ago', (text, iso) => {
    expect(pastInstant(text, NOON)).toBe(iso);
  });

  it.each(['', '7', '7w', '-7d', '7 d', '2026-11-20', '999999d'])('leaves %j to others', (text) => {
    expect(pastInstant(text, NOON)).toBeUndefined();
  });
});
