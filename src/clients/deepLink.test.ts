import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findClient } from './client.js';
import { deepLinks } from './deepLink.js';
import { formatOf } from './files/formatOf.js';
import { portableLaunch } from './launch/launch.js';
import { planInstall } from './plan.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** What install writes into a new file of the client, for a machine that is not known. */
async function written(id: string): Promise<unknown> {
  const client = findClient(id)!;
  const format = await formatOf(client.format);
  const plan = planInstall(client, format, null, portableLaunch(`purser-mcp@${version}`));
  const servers = (format.read(plan.text ?? '') as Record<string, Record<string, object>>)[
    client.key[0] ?? ''
  ];
  const { env, ...entry } = servers?.['purser'] as { env: object };
  expect(env).toEqual({});
  return entry;
}

test('each link decodes to what install writes', async () => {
  const [cursor, vscode] = deepLinks(version).map(({ url }) => new URL(url));
  expect(cursor?.protocol).toBe('cursor:');
  expect(`${cursor?.host}${cursor?.pathname}`).toBe('anysphere.cursor-deeplink/mcp/install');
  expect(cursor?.searchParams.get('name')).toBe('purser');
  const config = Buffer.from(cursor?.searchParams.get('config') ?? '', 'base64').toString();
  expect(JSON.parse(config)).toEqual(await written('cursor'));

  expect(`${vscode?.protocol}${vscode?.pathname}`).toBe('vscode:mcp/install');
  const { name, ...entry } = JSON.parse(decodeURIComponent(vscode?.search.slice(1) ?? '')) as {
    name: string;
  };
  expect(name).toBe('purser');
  expect(entry).toEqual(await written('vscode'));
});

test('the README has these very links, and they hold no folder of a machine', () => {
  for (const { url, webUrl } of deepLinks(version)) {
    expect(readme).toContain(webUrl);
    // A page on the web cannot link to a program: each https page carries what the link itself does.
    const { searchParams } = new URL(webUrl);
    const carried =
      searchParams.get('url') ?? `config=${encodeURIComponent(searchParams.get('config') ?? '')}`;
    expect(url).toContain(carried);
    expect(decodeURIComponent(url)).not.toMatch(/PATH|\/(usr|home|root)\//);
  }
});
