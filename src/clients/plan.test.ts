import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clients, findClient, type Client, type FileFormat } from './client.js';
import { formatOf } from './files/formatOf.js';
import type { Format } from './files/format.js';
import type { Launch } from './launch/launch.js';
import { lossIn, pasteFor, planInstall, planUninstall } from './plan.js';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
/** Its parser takes ten times as long as the others. */
const YAML_RUNS = Math.ceil(RUNS / 4);

const launch: Launch = {
  command: '/usr/bin/env',
  args: ['npx', '-y', 'purser-mcp@1.2.3'],
  env: { PATH: '/opt/node/bin:/usr/bin', PURSER_HOME: 'C:\\Users\\a "b"\\é' },
};
const later: Launch = { ...launch, args: ['npx', '-y', 'purser-mcp@1.3.0'] };

/** Words that every writer of a client's file chooses anew: a stream of small numbers. */
type Choose = (below: number) => number;
const choices = fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 });
function chooser(numbers: readonly number[]): Choose {
  let at = 0;
  return (below) => (numbers[at++ % numbers.length] ?? 0) % below;
}

const KEYS = ['a', 'b', 'c d', 'purser2', '//', '{', '#'];
const leaf = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('// no', '/* no */', '# no', '},', '[[x]]', "it's", 'a: b', '- x', '"'),
);
const tree = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(leaf, { maxLength: 3 }), tie('object')),
  object: fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 4 }),
})).object;
/** What a client's file says: anything, and perhaps a list of servers. */
const contentFor = (key: string): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .tuple(tree, fc.option(fc.dictionary(fc.constantFrom(...KEYS), tree, { maxKeys: 3 })), fc.boolean())
    .map(([rest, servers, first]) => {
      if (servers === null) return rest;
      return first ? { [key]: servers, ...rest } : { ...rest, [key]: servers };
    });

/** Writes JSON as no printer would: comments, tabs and line ends anywhere. */
function writeJson(value: unknown, choose: Choose, kind: FileFormat, eol: string): string {
  const gaps = ['', ' ', '\t', eol, `${eol}    `, ...(kind === 'json' ? [] : ['/* , } */', `// { ,${eol}`])];
  const gap = (): string => gaps[choose(gaps.length)] ?? '';
  const write = (item: unknown): string => {
    if (typeof item !== 'object' || item === null) return JSON.stringify(item);
    const isList = Array.isArray(item);
    const parts = isList
      ? item.map((one) => gap() + write(one) + gap())
      : Object.entries(item).map(
          ([key, one]) => `${gap()}${JSON.stringify(key)}${gap()}:${gap()}${write(one)}${gap()}`,
        );
    const tail = kind === 'jsonc+' && parts.length > 0 && choose(3) === 0 ? `,${gap()}` : '';
    const [open, close] = isList ? '[]' : '{}';
    return `${open}${parts.length === 0 ? gap() : ''}${parts.join(',')}${tail}${close}`;
  };
  return gap() + write(value) + gap();
}

function tomlKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}

/** Writes TOML with tables, multi-line lists and comments between. */
function writeToml(content: Record<string, unknown>, choose: Choose, eol: string): string {
  const lines: string[] = [];
  const note = (): void => {
    if (choose(3) === 0) lines.push(['# note [x] = "', '', '  # [mcp_servers.purser]'][choose(3)] ?? '');
  };
  const scalar = (item: unknown): string => {
    if (Array.isArray(item)) {
      const between = choose(2) === 0 ? ', ' : `, # ] "${eol}\t`;
      return `[${item.map(scalar).join(between)}${choose(2) === 0 && item.length > 0 ? `,${eol}` : ''}]`;
    }
    if (typeof item === 'string' && choose(2) === 0 && !/['\p{Cc}]/u.test(item)) {
      return choose(2) === 0 ? `'${item}'` : `'''${item}'''`;
    }
    return JSON.stringify(item).replaceAll('\u007f', '\\u007f');
  };
  const table = (path: readonly string[], object: Record<string, unknown>): void => {
    const entries = Object.entries(object);
    const isTable = (item: unknown): boolean =>
      typeof item === 'object' && item !== null && !Array.isArray(item);
    for (const [key, item] of entries.filter(([, one]) => !isTable(one))) {
      note();
      lines.push(
        `${tomlKey(key)}${' '.repeat(choose(2))} = ${scalar(item)}${choose(4) === 0 ? ' # end' : ''}`,
      );
    }
    for (const [key, item] of entries.filter(([, one]) => isTable(one))) {
      note();
      const at = [...path, key];
      lines.push(`${' '.repeat(choose(2))}[${at.map(tomlKey).join(choose(3) === 0 ? ' . ' : '.')}]`);
      table(at, item as Record<string, unknown>);
    }
  };
  table([], content);
  note();
  return lines.join(eol) + (choose(3) === 0 ? '' : eol);
}

/** Writes block YAML with comments, or now and then a flow. */
function writeYaml(content: Record<string, unknown>, choose: Choose, eol: string): string {
  const unit = ['  ', '    ', ' '][choose(3)] ?? '  ';
  const lines: string[] = [];
  const note = (indent: string): void => {
    if (choose(4) === 0) lines.push(`${indent}# note: {`);
    if (choose(6) === 0) lines.push('');
  };
  const block = (object: Record<string, unknown>, indent: string): void => {
    for (const [key, item] of Object.entries(object)) {
      note(indent);
      const name = `${indent}${/^\w+$/.test(key) ? key : JSON.stringify(key)}:`;
      const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
      if (isObject && Object.keys(item).length > 0 && choose(5) !== 0) {
        lines.push(name + (choose(4) === 0 ? ' # below' : ''));
        block(item as Record<string, unknown>, indent + unit);
      } else if (Array.isArray(item) && item.length > 0 && choose(2) === 0) {
        lines.push(
          name,
          ...item.map((one) => `${indent}${choose(2) === 0 ? unit : ''}- ${JSON.stringify(one)}`).slice(0, 1),
        );
      } else if (typeof item === 'string' && /^[a-z ]+$/.test(item) && item.trim() !== '') {
        lines.push(`${name} |`, `${indent}${unit}${item.trim()}`);
      } else lines.push(`${name} ${JSON.stringify(item)}${choose(5) === 0 ? ' # end' : ''}`);
    }
  };
  block(content, '');
  note('');
  return lines.join(eol) + (choose(3) === 0 ? '' : eol);
}

function write(client: Client, content: Record<string, unknown>, choose: Choose): string {
  const eol = choose(3) === 0 ? '\r\n' : '\n';
  const mark = choose(8) === 0 ? '\uFEFF' : '';
  if (client.format === 'toml') return mark + writeToml(content, choose, eol);
  if (client.format === 'yaml') return mark + writeYaml(content, choose, eol);
  return mark + writeJson(content, choose, client.format, eol);
}

const valueOf = (format: Format, text: string): unknown =>
  JSON.parse(JSON.stringify(format.read(text.replace(/^\uFEFF/, ''))));

/** The content without our entry, and without the list if nothing else is in it. */
function without(client: Client, content: unknown): unknown {
  const [key = ''] = client.key;
  const { [key]: list, ...rest } = content as Record<string, Record<string, unknown> | undefined>;
  const { purser: _, ...others } = list ?? {};
  return Object.keys(others).length === 0 ? rest : { ...rest, [key]: others };
}

describe.each(['cline', 'gemini-cli', 'zed', 'codex', 'goose'])('any file of %s', (id) => {
  const client = findClient(id)!;
  const [key = ''] = client.key;
  const files = fc
    .tuple(contentFor(key), choices)
    .map(([content, numbers]) => write(client, content, chooser(numbers)));

  it('says the same but for our entry, and is itself again, to the letter, when that is out', async () => {
    const format = await formatOf(client.format);
    fc.assert(
      fc.property(files, (text) => {
        const before = valueOf(format, text);
        const added = planInstall(client, format, text, launch);
        expect(added.change).toBe('added');
        expect(without(client, valueOf(format, added.text!))).toEqual(without(client, before));
        expect(planInstall(client, format, added.text, launch)).toEqual({ text: added.text, change: 'none' });
        expect(planUninstall(client, format, added.text!, text).text).toBe(text);
        const moved = planInstall(client, format, added.text, later);
        expect(moved.change).toBe('updated');
        expect(moved.text).toBe(added.text!.replace('purser-mcp@1.2.3', 'purser-mcp@1.3.0'));
        expect(planUninstall(client, format, moved.text!, text).text).toBe(text);
      }),
      { numRuns: client.format === 'yaml' ? YAML_RUNS : RUNS },
    );
  });

  it('keeps what came since, and every other byte', async () => {
    const format = await formatOf(client.format);
    const tail =
      client.format === 'json' ? '\n\n' : client.format.startsWith('json') ? '\n// since\n' : '\n# since\n';
    fc.assert(
      fc.property(files, (text) => {
        const { text: added } = planInstall(client, format, text, launch);
        const removed = planUninstall(client, format, `${added}${tail}`, text);
        expect(valueOf(format, removed.text!)).toEqual(valueOf(format, text));
        const list = (valueOf(format, text) as Record<string, object | undefined>)[key];
        // A list with something in it stays as it is, wherever it stands; TOML may have had to end a last line.
        if (list !== undefined && Object.keys(list).length > 0 && client.format !== 'toml') {
          expect(removed.text).toBe(text + tail);
        }
      }),
      { numRuns: client.format === 'yaml' ? YAML_RUNS : RUNS },
    );
  });
});

describe('a file that is not as it should be is refused', () => {
  const zed = findClient('zed')!;
  const desktop = findClient('claude-desktop')!;
  const codex = findClient('codex')!;
  const goose = findClient('goose')!;
  it.each<[string, Client, string]>([
    ['a syntax error', zed, '{\n  "a": 1\n  "b": 2\n}'],
    ['half a file', zed, '{"context_servers": {'],
    ['a list', zed, '[]'],
    ['a list in place of servers', zed, '{"context_servers": []}'],
    ['null in place of servers', zed, '{"context_servers": null}'],
    ['servers twice', zed, '{"context_servers": {}, "context_servers": {"a": {}}}'],
    ['our entry twice', zed, '{"context_servers": {"purser": {"command": "a"}, "purser": {"command": "b"}}}'],
    ['a server of that name elsewhere', zed, '{"context_servers": {"purser": {"url": "https://w.example"}}}'],
    ['comments where the client reads none', desktop, '{} // x'],
    ['a trailing comma where the client reads none', desktop, '{"a": 1,}'],
    ['broken TOML', codex, 'a = \n'],
    ['a table twice', codex, '[mcp_servers.a]\n[mcp_servers.a]\n'],
    ['servers in one line of TOML', codex, 'mcp_servers = { a = { command = "x" } }\n'],
    ['servers that are a number', codex, 'mcp_servers = 1\n'],
    ['broken YAML', goose, 'a: [1\nb: 2\n'],
    ['a key twice', goose, 'extensions:\n  a: 1\nextensions:\n  b: 1\n'],
    ['several documents', goose, 'a: 1\n---\nb: 2\n'],
    ['a document that has ended', goose, 'a: 1\n...\n'],
    ['extensions that are a word', goose, 'extensions: none\n'],
    ['lists in lists without end', zed, `{"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['objects in objects without end', desktop, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['brackets that nobody closes', zed, `{ // [\n"a": "]", "b": ${'[{"c":'.repeat(50_000)}`],
    ['TOML of a key in keys', codex, `${Array(20_000).fill('a').join('.')} = 1\n`],
    ['TOML of a table in tables', codex, `[${Array(20_000).fill('a').join('.')}]\nb = 1\n`],
    ['YAML of lists in lists', goose, `a: ${'['.repeat(900)}${']'.repeat(900)}\n`],
    ['YAML that stands in itself', goose, 'a: &a\n  b: *a\n'],
  ])('for %s', async (_what, client, text) => {
    const format = await formatOf(client.format);
    expect(() => planInstall(client, format, text, launch)).toThrow(
      expect.objectContaining({ code: 'client_config' }),
    );
  });

  it('and neither brackets within words nor within comments count as nesting', async () => {
    const format = await formatOf(zed.format);
    const text = `{ // ${'['.repeat(500)}\n"a": "${'{\\"['.repeat(500)}" /* ${'{'.repeat(500)} */ }`;
    expect(planInstall(zed, format, text, launch).change).toBe('added');
  });

  it('and where it parses all the same, with what to write there by hand', async () => {
    const entry = { args: launch.args, env: launch.env };
    const toml = await formatOf('toml');
    const text = 'mcp_servers = { a = { command = "x" } }\n';
    const paste = pasteFor(codex, toml, text, launch);
    expect(paste).toMatch(/^purser = \{ /);
    const byHand = text.replace(' } }', ` }, ${paste} }`);
    expect(valueOf(toml, byHand)).toMatchObject({ mcp_servers: { a: { command: 'x' }, purser: entry } });
    expect(pasteFor(codex, toml, 'a = \n', launch)).toBeNull();
    const json = await formatOf(zed.format);
    const inJson = pasteFor(zed, json, '{"context_servers": null}', launch);
    expect(JSON.parse(`{${inJson}}`)).toMatchObject({ purser: entry });
    const yaml = await formatOf('yaml');
    const inYaml = pasteFor(goose, yaml, 'extensions: none\n', launch);
    expect(valueOf(yaml, inYaml ?? '')).toMatchObject({ purser: { args: launch.args, envs: launch.env } });
  });
});

it('a file that held nothing but our entry goes with it, however its client wrote it', async () => {
  const codex = findClient('codex')!;
  const toml = await formatOf(codex.format);
  const json = await formatOf('json');
  const desktop = findClient('claude-desktop')!;
  const both = '[mcp_servers.purser]\ncommand = "npx"\n\n[mcp_servers.purser.env]\nA = "b"\n';
  expect(planUninstall(codex, toml, both, null)).toEqual({ text: null, change: 'removed' });
  const inJson = '{"mcpServers":{"purser":{"command":"npx"}}}';
  expect(planUninstall(desktop, json, inJson, null)).toEqual({ text: null, change: 'removed' });
  // Somebody's comment or key is theirs, and so is a file that was there.
  expect(planUninstall(codex, toml, `# mine\n${both}`, null).text).toBe('# mine\n');
  expect(
    planUninstall(desktop, json, '{"a":1,"mcpServers":{"purser":{"command":"n"}}}', null).text,
  ).toContain('"a":1');
  expect(planUninstall(desktop, json, inJson, '{ "mcpServers": {} }').text).toBe('{"mcpServers":{}}');
});

it('what a client’s own program leaves out is found', async () => {
  const codex = findClient('codex')!;
  const toml = await formatOf('toml');
  const before = '# mine\nmodel = "m" # best\n[mcp_servers.a]\ncommand = "x"\nodd = 1\n';
  const ours = '[mcp_servers.purser]\ncommand = "y"\n';
  expect(lossIn(codex, toml, before, before + ours)).toBeNull();
  expect(lossIn(codex, toml, before, before.replace(' # best', '') + ours)).toBe('comments');
  expect(lossIn(codex, toml, before, before.replace('odd = 1\n', '') + ours)).toBe('the entry of a');
  expect(lossIn(codex, toml, before, before.replace('model = "m" # best\n', '') + ours)).toBe(
    'the key model',
  );
  const claude = findClient('claude-code')!;
  const json = await formatOf('json');
  const counted = lossIn(claude, json, '{"numStartups": 1}', '{"numStartups": 2, "mcpServers": {}}');
  expect(counted).toBeNull();
});

it('an inline table of TOML is told by what it is', async () => {
  const codex = findClient('codex')!;
  const toml = await formatOf('toml');
  expect(() => planInstall(codex, toml, 'mcp_servers = { a = { command = "x" } }\n', launch)).toThrow(
    expect.objectContaining({
      shortMessage: expect.stringMatching(/mcp_servers is an inline table/) as string,
    }),
  );
});

it('Codex that runs unattended asks for no approval and waits for the server', async () => {
  const codex = findClient('codex')!;
  const toml = await formatOf('toml');
  const alone = planInstall(codex, toml, null, { ...launch, unattended: true });
  expect(valueOf(toml, alone.text ?? '')).toMatchObject({
    mcp_servers: { purser: { required: true, default_tools_approval_mode: 'approve' } },
  });
  const attended = planInstall(codex, toml, null, launch).text ?? '';
  expect(attended).not.toMatch(/required|approval/);
  // A later install without the word leaves what the owner chose.
  expect(planInstall(codex, toml, alone.text, launch).change).toBe('none');
  expect(planInstall(codex, toml, attended, { ...launch, unattended: true }).change).toBe('updated');
});

it('an entry that is there keeps what its owner put into it', async () => {
  for (const [id, text] of [
    [
      'zed',
      `{"context_servers":{"purser":{"enabled":false, // mine\n"command":"npx","args":["-y","purser-mcp"],"env":{"MINE":"1"}}}}`,
    ],
    [
      'codex',
      `[mcp_servers.purser]\n# mine\ncommand = "npx"\nargs = [\n  "-y", # yes\n  "purser-mcp",\n]\nenabled = false\n\n[mcp_servers.purser.env]\nMINE = "1"\n`,
    ],
    [
      'goose',
      `extensions:\n  purser:\n    # mine\n    enabled: false\n    cmd: npx\n    args:\n    - -y\n    - purser-mcp\n    envs:\n      MINE: "1"\n`,
    ],
  ] as const) {
    const client = findClient(id)!;
    const format = await formatOf(client.format);
    const plan = planInstall(client, format, text, launch);
    expect(plan.change).toBe('updated');
    expect(plan.text).toContain('mine');
    const [key = ''] = client.key;
    const entry = (format.read(plan.text!) as Record<string, Record<string, Record<string, unknown>>>)[key]![
      'purser'
    ]!;
    expect(entry).toMatchObject({ enabled: false, args: launch.args });
    expect(entry['env'] ?? entry['envs']).toEqual({ MINE: '1', ...launch.env });
    expect(planInstall(client, format, plan.text, launch).change).toBe('none');
  }
});

it('opencode’s second shape is kept to where a file has it', async () => {
  const client = findClient('opencode')!;
  const format = await formatOf(client.format);
  const text = '{\n  // mine\n  "mcp": {\n    "servers": {}\n  }\n}\n';
  const plan = planInstall(client, format, text, launch);
  expect(format.read(plan.text!)).toMatchObject({
    mcp: { servers: { purser: { type: 'local', timeout: { request: 300_000 } } } },
  });
  expect(planUninstall(client, format, plan.text!, text).text).toBe(text);
  const named = planInstall(client, format, '{"mcp":{"servers":{"type":"local","command":["x"]}}}', launch);
  expect(format.read(named.text!)).toMatchObject({ mcp: { purser: { type: 'local', enabled: true } } });
});

it('no client’s entry holds anything but the launch and what it says of itself', () => {
  for (const client of clients) {
    const { pinned, initial } = client.entry(launch);
    const words = JSON.stringify({ ...pinned, ...initial });
    expect(words).toContain('purser-mcp@1.2.3');
    expect(Object.keys({ ...pinned, ...initial }).join()).not.toMatch(/trust|approve|allow/i);
  }
});
