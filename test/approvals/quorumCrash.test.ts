import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfigUnauthenticated } from '../../src/config/configFile.js';
import { listFactors } from '../../src/owner/auth/ownerFactors.js';
import { addAgent } from '../../src/owner/ownerAgents.js';
import { changeConfig } from '../../src/owner/ownerConfig.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { listOwnersEntries, readOwners, setQuorum } from '../../src/owner/owners.js';
import { makeQuickWallet, ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import { addOwners } from './owner.js';
import { startOwnerProcess, type OwnerProcess } from './ownerProcess.js';
import type { OwnerOrder } from './ownerChild.js';

const PASSPHRASES = {
  owner: 'the first owner says yes',
  bob: 'bob says yes to it too',
  carol: 'carol as well says yes',
};
type Person = keyof typeof PASSPHRASES;
const WAITS = { code: 'second_owner_needed' };
/** The look at the clock that a command takes for its act; behind the one for a passphrase and the one for its word. */
const LOOK_FOR_ACT = 3;

let folder: string;
let home: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'purser-quorum-crash-'));
  home = join(folder, 'home');
  await makeQuickWallet(home, TEST_PASSPHRASE);
  await addOwners(as(null), PASSPHRASES);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function as(person: Person | null): OwnerOptions {
  const owner = ownerOf(home, TEST_PASSPHRASE);
  const factor = () => Promise.resolve(person === null ? null : PASSPHRASES[person]);
  return { ...owner, auth: { ...owner.auth, factor } };
}
const start = (
  person: Person,
  order: Omit<OwnerOrder, 'home' | 'stretched' | 'passphrase'>,
): Promise<OwnerProcess> => startOwnerProcess({ home, passphrase: PASSPHRASES[person], ...order });
const raise = (person: Person) => changeConfig(as(person), 'limits.per_day_usd', '6.00');
const config = () => readConfigUnauthenticated(home);
const waiting = async () => (await readOwners(as(null))).proposals.length;
const acts = async (count: number) =>
  (await listOwnersEntries(as(null), count)).map(({ act, by }) =>
    [act, ...by.map(({ owner }) => owner)].join(' '),
  );

test('of two removals that two processes do at once, none leaves fewer owners than a loosening needs', async () => {
  const [, bobs, carols] = (await listFactors(as(null))).map(({ id }) => id);
  const remove = (id = '') => ({ act: { do: 'remove', name: id } as const });
  // Each is proposed by one owner; the two who confirm are past every look at what is left before either writes.
  for (const id of [bobs, carols]) expect(await (await start('bob', remove(id))).answer).toMatchObject(WAITS);
  const both = [
    await start('owner', { ...remove(bobs), stopsAtLook: LOOK_FOR_ACT }),
    await start('carol', { ...remove(carols), stopsAtLook: LOOK_FOR_ACT }),
  ];
  await Promise.all(both.map((one) => one.untilStopped()));
  for (const one of both) one.goOn();
  const codes = (await Promise.all(both.map((one) => one.answer))).map((answer) => answer?.code);
  expect(codes.sort()).toEqual(['bad_input', 'done']);
  const left = await readOwners(as(null));
  expect(left.owners).toHaveLength(2);
  // Nobody is locked out: the keystore remembers just those, and they lower the quorum again.
  const [first, second] = left.owners.map(({ name }) => name) as [Person, Person];
  await expect(setQuorum(as(first), 1)).rejects.toMatchObject(WAITS);
  await setQuorum(as(second), 1);
  expect(await raise(second)).toMatchObject({ after: '6.00' });
});

test('a process that is killed before the second word is written leaves the proposal, and one behind that the act undone', async () => {
  const { version } = config();
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  const set = { do: 'set', key: 'limits.per_day_usd', value: '6.00' } as const;
  // In front of the step that takes the word.
  expect(await (await start('bob', { act: set, diesAtLook: LOOK_FOR_ACT - 1 })).answer).toBeNull();
  expect([await waiting(), config().version]).toEqual([1, version]);
  // Between that step and the act.
  expect(await (await start('bob', { act: set, diesBefore: true })).answer).toBeNull();
  expect([await waiting(), config().version]).toEqual([0, version]);
  expect(await acts(1)).toEqual(['allowed owner bob']);
  // The words are spent: neither owner does it alone, and both do it once.
  await expect(raise('bob')).rejects.toMatchObject(WAITS);
  expect(config().version).toBe(version);
  expect(await raise('owner')).toMatchObject({ after: '6.00' });
  expect([await waiting(), config().version]).toEqual([0, version + 1]);
});

test('a process that is killed behind the act has done it once, and the proposal is over', async () => {
  const { version } = config();
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  const act = { do: 'set', key: 'limits.per_day_usd', value: '6.00' } as const;
  // The config is written; that the ledger knows of it is not.
  expect(await (await start('bob', { act, diesAtLook: LOOK_FOR_ACT })).answer).toBeNull();
  expect([await waiting(), config().version, config().limits.perDayUsdMicros]).toEqual([
    0,
    version + 1,
    6_000_000n,
  ]);
  expect(await raise('bob')).toMatchObject({ before: '6.00', after: '6.00' });
  expect(await acts(2)).toEqual(['allowed owner bob', 'proposed owner']);
});

test('a token that was to be replaced stays as it is where the process is killed in between', async () => {
  const none = (): Promise<void> => Promise.resolve();
  await expect(addAgent(as('owner'), 'ada', none)).rejects.toMatchObject(WAITS);
  await addAgent(as('bob'), 'ada', none);
  const act = { do: 'rotate', name: 'ada' } as const;
  expect(await (await start('owner', { act })).answer).toMatchObject({ ...WAITS, tokens: [] });
  expect(await (await start('bob', { act, diesBefore: true })).answer).toBeNull();
  expect(await waiting()).toBe(0);
  expect(await (await start('bob', { act })).answer).toMatchObject({ ...WAITS, tokens: [] });
  const done = await (await start('owner', { act })).answer;
  expect([done?.code, done?.tokens.length]).toEqual(['done', 1]);
});
