import { expect, test } from 'vitest';
import { labelLine, LABELS_MAX, NO_LABELS, parseLabelList, readLabels, withLabel } from './labels.js';

const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, 'x']));

test('labels come in one order and clean', () => {
  const labels = readLabels({ team: ' search\u202e\n unit ', model: 'a' });
  expect(labels).toEqual({ model: 'a', team: 'search unit' });
  expect(JSON.stringify(labels)).toBe('{"model":"a","team":"search unit"}');
  expect(labelLine(labels ?? NO_LABELS)).toBe('model=a team="search unit"');
  expect(labelLine(NO_LABELS)).toBe('');
});

test.each([
  [null],
  ['team=x'],
  [['team']],
  [{ Team: 'x' }],
  [{ '1': 'x' }],
  [{ __proto__x: 'x' }],
  [{ team: 1 }],
  [{ team: '' }],
  [{ team: '\u200b ' }],
  [{ team: 'x'.repeat(64) }],
  [{ [`t${'x'.repeat(32)}`]: 'x' }],
  [many(LABELS_MAX + 1)],
])('%j are no labels', (given) => {
  expect(readLabels(given)).toBeNull();
});

test('as many as there may be are taken', () => {
  expect(Object.keys(readLabels(many(LABELS_MAX)) ?? {})).toHaveLength(LABELS_MAX);
});

test.each([
  ['team=search,ticket=AB-12', { team: 'search', ticket: 'AB-12' }],
  [' team = a%2Cb%20c , x=1', { team: 'a,b c', x: '1' }],
  ['team=a=b', { team: 'a=b' }],
  ['team', null],
  ['team=a,', null],
  ['team=a,team=b', null],
  ['team=%zz', null],
])('the list %s is %j', (text, expected) => {
  expect(parseLabelList(text)).toEqual(expected);
});

test('a further label takes the place of none, is cut to fit, and stays out where there is no room', () => {
  expect(withLabel({ model: 'own' }, 'model', 'other')).toEqual({ model: 'own' });
  expect(withLabel({ team: 'x' }, 'model', 'y'.repeat(100))['model']).toHaveLength(63);
  expect(withLabel(NO_LABELS, 'model', ' \u0007')).toEqual({});
  expect(Object.keys(withLabel(many(LABELS_MAX), 'model', 'x'))).not.toContain('model');
});
