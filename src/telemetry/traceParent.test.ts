import { expect, test } from 'vitest';
import { readTraceParent } from './traceParent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('the ids of a traceparent are taken, and its flags are not: the owner records, whoever calls', () => {
  for (const text of [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-00`, ` 00-${TRACE}-${SPAN}-01 `]) {
    expect(readTraceParent(text)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      traceFlags: 1,
      isRemote: true,
    });
  }
});

test('a later version is read by its first fields', () => {
  expect(readTraceParent(`cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`)?.traceId).toBe(TRACE);
});

test.each([
  ['none', undefined],
  ['a list', [`00-${TRACE}-${SPAN}-01`]],
  ['empty', ''],
  ['two in one header', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
  ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a short span id', `00-${TRACE}-${SPAN.slice(1)}-01`],
  ['no trace id', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['no span id', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['the version that is none', `ff-${TRACE}-${SPAN}-01`],
  ['more than version 00 has', `00-${TRACE}-${SPAN}-01-more`],
  ['longer than any', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`],
])('what is no traceparent joins nothing: %s', (_name, text) => {
  expect(readTraceParent(text)).toBeNull();
});
