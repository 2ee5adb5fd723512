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
