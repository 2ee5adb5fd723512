import { expect, test } from 'vitest';
import { missingFields, pathNames, readBazaar, readOutputSchema } from './inputShape.js';
import type { JsonObject } from '../../text/json.js';
import type { InputShape } from './listing.js';

const BODY = {
  type: 'object',
  properties: { domain: { type: 'string' }, depth: { type: 'number' } },
  required: ['domain'],
};

function shapeOf(parts: Partial<InputShape>): InputShape {
  return { query: null, body: null, exampleQuery: null, exampleBody: null, ...parts };
}

test('the bazaar extension as the reference server writes it', () => {
  const read = readBazaar({
    bazaar: {
      info: {
        input: { type: 'http', method: 'POST', bodyType: 'json', body: { domain: 'example.com' } },
        output: { type: 'json', example: { name: 'Example' } },
      },
      schema: { type: 'object', properties: { input: { type: 'object', properties: { body: BODY } } } },
    },
  });
  expect(read).toEqual({
    method: 'POST',
    input: shapeOf({ body: BODY, exampleBody: { domain: 'example.com' } }),
    output: { name: 'Example' },
  });
});

test.each([
  [
    { input: { method: 'GET', queryParams: { q: 'What to look for' } } },
    { q: { type: 'string', description: 'What to look for' } },
    undefined,
  ],
  [
    { input: { method: 'GET', query_params: { q: { type: 'string', required: true } } } },
    { q: { type: 'string' } },
    ['q'],
  ],
])('v1 describes its fields one by one: %j', (schema, properties, required) => {
  const { input } = readOutputSchema(schema);
  expect(input?.query?.['properties']).toEqual(properties);
  expect(input?.query?.['required']).toEqual(required);
});

test.each([
  null,
  7,
  'x',
  [],
  {},
  { bazaar: null },
  { bazaar: { info: [] } },
  { bazaar: { info: { input: 5 }, schema: [] } },
])('%j says nothing', (extensions) => {
  expect(readBazaar(extensions)).toEqual({ method: undefined, input: null, output: null });
});

test('a schema that nests without end is cut, not followed', () => {
  const body = `${'{"type":"object","properties":{"a":'.repeat(5_000)}{}${'}}'.repeat(5_000)}`;
  const text = `{"bazaar":{"info":{},"schema":{"properties":{"input":{"properties":{"body":${body}}}}}}}`;
  const read = readBazaar(JSON.parse(text) as JsonObject);
  expect(JSON.stringify(read.input?.body).length).toBeLessThan(400);
});

test.each([
  ['https://a.example/', null, ['domain']],
  ['https://a.example/', '{"depth":1}', ['domain']],
  ['https://a.example/', '{"domain":"x"}', []],
  ['https://a.example/', 'domain=x', []],
  ['https://a.example/', '[1]', []],
])('a body of %s %s lacks %j', (url, body, missing) => {
  expect(missingFields(shapeOf({ body: BODY }), { url: new URL(url), body })).toEqual(missing);
});

test('a query lacks what its URL does not name', () => {
  const shape = shapeOf({ query: { type: 'object', properties: { q: {} }, required: ['q'] } });
  expect(missingFields(shape, { url: new URL('https://a.example/?p=1'), body: null })).toEqual(['q']);
  expect(missingFields(shape, { url: new URL('https://a.example/?q='), body: null })).toEqual([]);
});

test('names in a path', () => {
  expect(pathNames('https://a.example:8080/v1/{chain}/perps/:id?x=:no')).toEqual(['chain', 'id']);
});
