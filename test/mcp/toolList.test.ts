import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Agent, createPlace, ERAS, type Place } from './purser.js';

/** As the formatter of the repository leaves it. */
const SNAPSHOT = fileURLToPath(new URL('toolList.json', import.meta.url));

let place: Place;
beforeAll(() => {
  place = createPlace();
});
afterAll(() => {
  place.remove();
});

/** What a client lists before there is any wallet. */
async function listed(mode: (typeof ERAS)[number]['mode']) {
  const agent = await Agent.connect(place.env, mode);
  try {
    const { tools } = await agent.client.listTools();
    const { client } = agent;
    return {
      tools,
      info: client.getServerVersion(),
      instructions: client.getInstructions() ?? '',
      capabilities: client.getServerCapabilities(),
    };
  } finally {
    await agent.close();
  }
}

describe.each(ERAS)('in $era', ({ mode }) => {
  test('lists the tools with schemas and hints as they are written down', async () => {
    const { tools } = await listed(mode);
    const style = { ...(await resolveConfig(SNAPSHOT)), filepath: SNAPSHOT };
    await expect(await format(JSON.stringify(tools), style)).toMatchFileSnapshot(SNAPSHOT);
  });

  test('says what the server is', async () => {
    const { info, instructions, capabilities } = await listed(mode);
    expect(info).toMatchObject({ name: 'purser', title: 'Purser' });
    expect(info?.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(capabilities).toEqual({ tools: { listChanged: false } });
    expect(instructions).toMatch(/^Purser is a wallet/);
  });
});

test('every tool fits what clients take', async () => {
  const { tools, instructions } = await listed('legacy');
  expect(Buffer.byteLength(instructions)).toBeLessThan(2048);
  expect(tools).toHaveLength(7);
  for (const tool of tools) {
    expect(tool.name).toMatch(/^wallet_[a-z_]{1,56}$/);
    expect(Buffer.byteLength(tool.description ?? '')).toBeLessThan(2048);
    expect(tool.description).toMatch(/\nSample: \{/);
    expect(Object.keys(tool.annotations ?? {}).sort()).toEqual([
      'destructiveHint',
      'idempotentHint',
      'openWorldHint',
      'readOnlyHint',
    ]);
    expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(tool.outputSchema).toMatchObject({ type: 'object' });
    // A closed object would make clients throw away a result with a field they do not know yet.
    expect(JSON.stringify(tool.outputSchema)).not.toContain('"additionalProperties":false');
    // Model APIs behind some clients refuse a list of types.
    expect(JSON.stringify(tool.inputSchema)).not.toMatch(/"type":\[|propertyNames|\$schema/);
  }
});

test('the samples in a description are arguments the tool takes', async () => {
  const { tools } = await listed('legacy');
  const samples = tools.flatMap((tool) =>
    [...(tool.description ?? '').matchAll(/^Sample: (\{.*\})$/gm)].map(([, json = '']) => ({ tool, json })),
  );
  expect(samples.length).toBeGreaterThanOrEqual(tools.length);
  for (const { tool, json } of samples) {
    const names = Object.keys(JSON.parse(json) as object);
    expect(Object.keys(tool.inputSchema.properties ?? {})).toEqual(expect.arrayContaining(names));
    expect(names).toEqual(expect.arrayContaining([...(tool.inputSchema.required ?? [])]));
  }
});

/** What tools cost an agent of its attention before it has done anything. */
const TOKENS_MAX = 4_000;

/**
 * An upper estimate of tokens, since no two models count alike: a piece of a word of up to seven letters, up to three
 * digits, and up to three signs in a row are one each. Published tokenizers take longer words and more signs at once.
 */
function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [piece] of text.matchAll(/[A-Za-z]+|\d+|[^\sA-Za-z\d]+/g)) {
    tokens += Math.ceil(piece.length / (/^[A-Za-z]/.test(piece) ? 7 : 3));
  }
  return tokens;
}

test('the list, as models read it, stays small', async () => {
  const { tools, instructions } = await listed('legacy');
  // Most clients hand a model these three of each tool, and keep results, titles and hints to themselves; some do not.
  const read = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  const sizes = {
    'names, descriptions and arguments': JSON.stringify(read),
    'instructions of the server': instructions,
    'the whole answer to tools/list': JSON.stringify({ tools }),
  };
  for (const [what, text] of Object.entries(sizes)) {
    console.log(`${what}: some ${estimateTokens(text)} tokens, ${Buffer.byteLength(text)} bytes`);
  }
  expect(estimateTokens(sizes['the whole answer to tools/list'])).toBeLessThanOrEqual(TOKENS_MAX);
});
