import { describe, expect, test } from 'vitest';
import { judgeClock, type Clocks, type ClockWitness, type TimeReading } from './clock.js';

const T = 1_700_000_000_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW: Clocks = { wallMs: T, monotonicMs: 5_000_000 };

/** A reading of now by which the clock is ahead by so much. */
const reading = (aheadMs: number, more: Partial<TimeReading> = {}): TimeReading => ({
  ...NOW,
  givenMs: T - aheadMs,
  tookMs: 50,
  ...more,
});
const dated = (name: string, aheadMs: number, more: Partial<ClockWitness> = {}): ClockWitness => ({
  name,
  trusted: false,
  date: reading(aheadMs),
  block: null,
  earlierBlock: null,
  ...more,
});
const judge = (...witnesses: ClockWitness[]) => judgeClock(witnesses, NOW);

describe('two that agree decide', () => {
  test.each([0, 30_000, -30_000, 59_000, -59_000])('off by %i ms is right', (aheadMs) => {
    expect(judge(dated('a', aheadMs), dated('b', aheadMs))).toEqual({ kind: 'right', by: ['a', 'b'] });
  });

  test.each([63_000, -63_000, DAY, -DAY, 2 * DAY])('off by %i ms is wrong', (aheadMs) => {
    const verdict = judge(dated('a', aheadMs), dated('b', aheadMs));
    expect(verdict).toMatchObject({ kind: 'wrong', by: ['a', 'b'] });
    expect(verdict.kind === 'wrong' ? Math.abs(verdict.aheadMs - aheadMs) : null).toBeLessThan(1_000);
  });

  test('one alone decides nothing, and neither do two that differ', () => {
    expect(judge()).toEqual({ kind: 'unchecked', witnesses: 0 });
    expect(judge(dated('a', 0))).toEqual({ kind: 'unchecked', witnesses: 1 });
    expect(judge(dated('a', DAY))).toEqual({ kind: 'unchecked', witnesses: 1 });
    expect(judge(dated('a', DAY), dated('b', 2 * DAY))).toEqual({ kind: 'unchecked', witnesses: 2 });
    expect(judge(dated('a', DAY), dated('b', -DAY))).toEqual({ kind: 'unchecked', witnesses: 2 });
  });
});

describe('one that lies', () => {
  test('neither stops a right clock nor hides a wrong one', () => {
    expect(judge(dated('a', 0), dated('b', 0), dated('liar', DAY)).kind).toBe('right');
    expect(judge(dated('a', DAY), dated('b', DAY), dated('liar', 0)).kind).toBe('wrong');
  });

  test('leaves it open where it has one alone against it', () => {
    expect(judge(dated('a', 0), dated('liar', DAY)).kind).toBe('unchecked');
    expect(judge(dated('a', DAY), dated('liar', 0)).kind).toBe('unchecked');
  });

  test('is believed by itself only where the owner named it and nobody is against it, and never to stop', () => {
    expect(judge(dated('own', 0, { trusted: true })).kind).toBe('right');
    expect(judge(dated('own', DAY, { trusted: true })).kind).toBe('unchecked');
    expect(judge(dated('own', 0, { trusted: true }), dated('a', DAY)).kind).toBe('unchecked');
  });
});

test('a slow answer is of some moment on its way', () => {
  const slow = (name: string, aheadMs: number): ClockWitness =>
    dated(name, aheadMs, { date: reading(aheadMs, { tookMs: 20_000 }) });
  expect(judge(slow('a', 75_000), slow('b', 75_000)).kind).toBe('right');
  expect(judge(slow('a', 90_000), slow('b', 90_000)).kind).toBe('wrong');
});

describe('a chain', () => {
  const shown = (
    name: string,
    block: TimeReading,
    earlierBlock: TimeReading | null = null,
  ): ClockWitness => ({
    name,
    trusted: false,
    date: null,
    block,
    earlierBlock,
  });
  /** A look so long ago, at a block so much older than the newest. */
  const earlier = (agoMs: number, aheadMs: number, olderMs = agoMs): TimeReading =>
    reading(0, {
      wallMs: T - agoMs,
      monotonicMs: NOW.monotonicMs - agoMs,
      givenMs: T - aheadMs - olderMs,
    });

  test('with a block of a time to come shows that the clock is behind', () => {
    expect(judge(shown('a', reading(-DAY)), shown('b', reading(-DAY))).kind).toBe('wrong');
    expect(judge(shown('a', reading(-DAY)), dated('b', -DAY)).kind).toBe('wrong');
    expect(judge(shown('a', reading(-DAY)), dated('b', 0)).kind).toBe('unchecked');
  });

  test('that is idle shows nothing, however old its newest block', () => {
    expect(judge(shown('a', reading(DAY)), shown('b', reading(DAY)))).toEqual({
      kind: 'unchecked',
      witnesses: 0,
    });
    const still = earlier(MINUTE, DAY, 0);
    expect(judge(shown('a', reading(DAY), still), shown('b', reading(DAY), still))).toMatchObject({
      witnesses: 0,
    });
  });

  test('that was seen to go on shows that the clock is ahead, or right', () => {
    const pair = (aheadMs: number): ClockWitness[] => [
      shown('a', reading(aheadMs), earlier(MINUTE, aheadMs)),
      shown('b', reading(aheadMs), earlier(MINUTE, aheadMs)),
    ];
    expect(judge(...pair(DAY)).kind).toBe('wrong');
    expect(judge(...pair(12_000)).kind).toBe('right');
  });

  test('that catches up on what it missed shows nothing', () => {
    const fast = earlier(MINUTE, DAY, 60 * MINUTE);
    expect(judge(shown('a', reading(DAY), fast), shown('b', reading(DAY), fast))).toMatchObject({
      witnesses: 0,
    });
  });

  test('has no voice where its operator’s Date is against it', () => {
    expect(judge(dated('a', 0, { block: reading(-DAY) }), dated('b', 0))).toEqual({
      kind: 'unchecked',
      witnesses: 1,
    });
  });
});

describe('after a jump of the wall clock', () => {
  /** The clock left the monotonic one by so much since the reading. */
  const before = (aheadMs: number, jumpMs: number): ClockWitness =>
    dated('x', 0, { date: reading(aheadMs - jumpMs, { wallMs: T - jumpMs, givenMs: T - aheadMs }) });

  test('readings from before say nothing: it was set, or the machine slept', () => {
    const both = [
      { ...before(DAY, DAY), name: 'a' },
      { ...before(DAY, DAY), name: 'b' },
    ];
    expect(judge(...both)).toEqual({ kind: 'unchecked', witnesses: 0 });
    expect(judge(...both, dated('c', DAY), dated('d', DAY)).kind).toBe('wrong');
    expect(judge(...both, dated('c', 0), dated('d', 0)).kind).toBe('right');
  });

  test('of less than what counts they still do', () => {
    expect(
      judge({ ...before(20_000, 20_000), name: 'a' }, { ...before(20_000, 20_000), name: 'b' }).kind,
    ).toBe('right');
  });

  test('of a clock that was wrong before it and is still, they agree', () => {
    const both = [
      { ...before(3 * DAY, 60 * MINUTE), name: 'a' },
      { ...before(3 * DAY, 60 * MINUTE), name: 'b' },
    ];
    expect(judge(...both).kind).toBe('wrong');
  });
});
