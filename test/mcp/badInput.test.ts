import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Agent, createPlace, ERAS, type Place, type ToolResult } from './purser.js';

let place: Place;
let empty: Place;
beforeAll(async () => {
  place = createPlace();
  empty = createPlace();
  await place.init();
});
afterAll(() => {
  place.remove();
  empty.remove();
});

/** An error of ours: one sentence first in the text, a code, and nothing done to money. */
function expectError({ outcome, text, isError }: ToolResult, code: string): void {
  expect(outcome).toMatchObject({ code, money: 'none' });
  // What says nothing is left out.
  for (const name of ['payment', 'spent_usd', 'response']) expect(outcome).not.toHaveProperty(name);
  expect(isError).toBe(true);
  expect(outcome.message).toMatch(/^[A-Z“"$\w].*[.]$/);
  expect(text.startsWith(`${outcome.message}\n`)).toBe(true);
  expect(text).toContain(`code: ${code}; money: none`);
}

/** Never called: each of these is refused for its words. */
const URL = 'https://shop.example.com/x';
const CALLS: readonly [what: string, tool: string, args: Record<string, unknown>, code: string][] = [
  ['an unknown argument', 'wallet_pay', { url: URL, max_usd: '1', max_amount: '2' }, 'bad_input'],
  ['an unknown argument of a reading tool', 'wallet_balance', { all: true }, 'bad_input'],
  ['neither max_usd nor quote_id', 'wallet_pay', { url: URL }, 'bad_input'],
  ['no url', 'wallet_pay', { max_usd: '1' }, 'bad_input'],
  ['no arguments', 'wallet_quote', {}, 'bad_input'],
  ['a url that is a number', 'wallet_quote', { url: 7 }, 'bad_input'],
  ['a negative max_usd', 'wallet_pay', { url: URL, max_usd: '-1' }, 'bad_input'],
  ['a negative number', 'wallet_pay', { url: URL, max_usd: -0.5 }, 'bad_input'],
  ['an exponent', 'wallet_pay', { url: URL, max_usd: '1e2' }, 'bad_input'],
  ['hexadecimal', 'wallet_pay', { url: URL, max_usd: '0x10' }, 'bad_input'],
  ['a dollar sign', 'wallet_pay', { url: URL, max_usd: '$1' }, 'bad_input'],
  ['an endless max_usd', 'wallet_pay', { url: URL, max_usd: '9'.repeat(400) }, 'bad_input'],
  ['an empty max_usd', 'wallet_pay', { url: URL, max_usd: '' }, 'bad_input'],
  ['null for max_usd', 'wallet_pay', { url: URL, max_usd: null }, 'bad_input'],
  ['a list for max_usd', 'wallet_pay', { url: URL, max_usd: ['1'] }, 'bad_input'],
  ['a file URL', 'wallet_pay', { url: 'file:///etc/passwd', max_usd: '1' }, 'bad_url'],
  ['no URL at all', 'wallet_quote', { url: 'not a url' }, 'bad_url'],
  ['plain http', 'wallet_pay', { url: 'http://shop.example.com/x', max_usd: '1' }, 'bad_url'],
  [
    'a name and a password',
    'wallet_pay',
    { url: 'https://user:secret@shop.example.com/', max_usd: '1' },
    'bad_url',
  ],
  [
    'the metadata address',
    'wallet_pay',
    { url: 'https://169.254.169.254/', max_usd: '1' },
    'address_refused',
  ],
  ['a method that is none', 'wallet_quote', { url: URL, method: 'TRACE' }, 'bad_input'],
  ['a body on a GET', 'wallet_quote', { url: URL, body: 'x' }, 'bad_input'],
  ['a header that breaks out', 'wallet_quote', { url: URL, headers: { 'x-a': 'b\r\nc: d' } }, 'bad_input'],
  [
    'a payment header of its own',
    'wallet_quote',
    { url: URL, headers: { 'x-payment': 'e30=' } },
    'bad_input',
  ],
  ['a bound too short', 'wallet_quote', { url: URL, timeout_ms: 1 }, 'bad_input'],
  ['a bound too long', 'wallet_quote', { url: URL, timeout_ms: 1e9 }, 'bad_input'],
  ['another agent’s quote', 'wallet_pay', { quote_id: 'quo_00000000000000000000' }, 'quote_unknown'],
  ['a payment there is not', 'wallet_ledger', { payment_id: 'pay_00000000000000000000' }, 'not_found'],
  ['a view there is not', 'wallet_ledger', { view: 'by_mood' }, 'bad_input'],
  ['a time that is none', 'wallet_ledger', { since: 'yesterday' }, 'bad_input'],
  ['no id', 'wallet_response', {}, 'bad_input'],
  ['an id that climbs', 'wallet_response', { id: '../../keystore.json' }, 'not_found'],
  ['a network there is not', 'wallet_balance', { network: 'eip155:1' }, 'network_disabled'],
];

describe.each(ERAS)('in $era', ({ mode }) => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await Agent.connect(place.env, mode);
  });
  afterAll(() => agent.close());

  test.each(CALLS)('%s is answered by a sentence and a code of ours', async (_what, tool, args, code) => {
    expectError(await agent.call(tool, args), code);
  });

  test('a name that is no tool is refused by the protocol', async () => {
    await expect(agent.call('wallet_drain', {})).rejects.toThrow(/wallet_drain/);
  });

  test('none of it left a payment', async () => {
    expect((await agent.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
  });
});

test.each(ERAS)(
  'before any init, in $era, tools are listed and calls say what the owner has to run',
  async ({ mode }) => {
    const agent = await Agent.connect(empty.env, mode);
    try {
      expect((await agent.client.listTools()).tools).toHaveLength(7);
      const result = await agent.call('wallet_pay', { url: URL, max_usd: '1' });
      expectError(result, 'not_set_up');
      expect(result.outcome).toMatchObject({ retry: 'after_owner' });
      expect(result.outcome.tell_owner).toMatch(/Run: (purser|npx -y purser-mcp@\d\S*) --home \S+ init$/);
      expect(result.text).toContain(`tell_owner: ${result.outcome.tell_owner ?? ''}`);
    } finally {
      await agent.close();
    }
  },
);

test('the owner sets the wallet up meanwhile, and the running server finds it', async () => {
  const late = createPlace();
  const agent = await Agent.connect(late.env);
  try {
    expectError(await agent.call('wallet_balance', {}), 'not_set_up');
    await late.init();
    expect((await agent.call('wallet_ledger', {})).outcome).toMatchObject({ status: 'ok', entries: [] });
  } finally {
    await agent.close();
    late.remove();
  }
});

describe('a locked keystore', () => {
  async function balanceWith(passphraseFile: string): Promise<ToolResult> {
    const agent = await Agent.connect({ ...place.env, PURSER_PASSPHRASE_FILE: passphraseFile });
    try {
      expect((await agent.client.listTools()).tools).toHaveLength(7);
      return await agent.call('wallet_balance', {});
    } finally {
      await agent.close();
    }
  }

  const file = (name: string, text: string): string => {
    const path = join(place.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };

  test('no file named', async () => {
    const result = await balanceWith('');
    expectError(result, 'keystore_locked');
    expect(result.outcome.tell_owner).toContain('PURSER_PASSPHRASE_FILE');
  });

  test('a file that is not there', async () => {
    const missing = join(place.folder, 'gone');
    const result = await balanceWith(missing);
    expectError(result, 'keystore_locked');
    expect(result.outcome.message).toContain(missing);
    expect(result.outcome.tell_owner).toContain('PURSER_PASSPHRASE_FILE');
  });

  test('an empty file, a folder, a file far too large', async () => {
    const folder = join(place.folder, 'folder');
    mkdirSync(folder);
    for (const path of [file('empty', '\n'), folder, file('large', 'x'.repeat(100_000))]) {
      expectError(await balanceWith(path), 'keystore_locked');
    }
  });

  test('another passphrase, which no text gives away', async () => {
    const result = await balanceWith(file('other', 'battery horse\n'));
    expectError(result, 'wrong_passphrase');
    expect(JSON.stringify(result)).not.toContain('battery');
  });
});
