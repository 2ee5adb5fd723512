import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeScratch, noTerminal, openTerminal, PASSPHRASE, type Scratch, type Terminal } from './program.js';

const why = noTerminal();
const PHRASE = 'test test test test test test test test test test test junk';
const PHRASE_ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch({ here: true });
});
afterEach(() => scratch.remove());

const terminal = (args: string[], env: Record<string, string> = {}): Terminal =>
  openTerminal(args, scratch.env(env));

/** Gives the words that are asked for, from what the screen showed. */
async function giveWords(person: Terminal): Promise<void> {
  const shown = [...person.screen().matchAll(/(\d+) ([a-z]{3,8})\b/g)];
  const words = new Map(shown.map(([, place, word]) => [Number(place), word ?? '']));
  for (let asked = 0; asked < 3; asked += 1) {
    await person.sees('Word ');
    await person.sees(' (Enter: later): ');
    const place = Number(/Word (\d+) \(Enter: later\): $/.exec(person.screen())?.[1]);
    person.type(`${words.get(place) ?? ''}\r`);
  }
}

describe.skipIf(why !== null)(`on a terminal${why === null ? '' : ` (skipped: ${why})`}`, () => {
  /** No keychain answers there. */
  const NO_KEYCHAIN = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };

  it('init asks for a passphrase twice, keeps it for clients, and shows none of it', async () => {
    const person = terminal(['init', '--testnet'], NO_KEYCHAIN);
    await person.sees('Keep its keys in a file instead, encrypted? [Y/n]');
    person.type('\r');
    await person.sees('Passphrase for the keystore');
    person.type('short\r');
    await person.sees('At least 8 characters');
    await person.sees('Passphrase for the keystore');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('The same again: ');
    person.type('something else\r');
    await person.sees('The two differ');
    await person.sees('Passphrase for the keystore');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('The same again: ');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('Keep it there? [Y/n]');
    person.type('\r');
    await person.sees('Owner passphrase, not the one of the keystore');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('The same again: ');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('must be another than the one that unlocks');
    await person.sees('Owner passphrase');
    person.type('seven purple otters swim\r');
    await person.sees('The same again: ');
    person.type('seven purple otters swim\r');
    const { exit, screen } = await person.end();
    expect(exit).toBe(0);
    expect(screen).toContain('A new wallet is ready.');
    expect(screen).toContain('Added.');
    for (const typed of [PASSPHRASE, 'something else', 'short', 'otters'])
      expect(screen).not.toContain(typed);
    const { address } = await scratch.json(['address', '--passphrase-file', scratch.passphraseFile]);
    expect(screen).toContain(String(address));
    expect(readFileSync(join(scratch.home, 'passphrase'), 'utf8')).toBe(`${PASSPHRASE}\n`);
  });

  it('init without a keychain goes on by Enter alone, and its owner needs no passphrase that nobody knows', async () => {
    const person = terminal(['init', '--testnet'], NO_KEYCHAIN);
    await person.sees('No keychain answers on this computer.');
    await person.sees('Keep its keys in a file instead, encrypted? [Y/n]');
    person.type('\r');
    await person.sees('Passphrase for the keystore (Enter: made for you): ');
    person.type('\r');
    await person.sees('What unlocks the keys is kept in ');
    await person.sees('Owner passphrase, not the one of the keystore');
    person.type('\r');
    await person.sees('A passkey instead');
    person.type('\r');
    const { exit, screen } = await person.end();
    expect(exit).toBe(0);
    expect(screen).not.toContain('PURSER_PASSPHRASE_FILE');
    const kept = join(scratch.home, 'passphrase');
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(screen).not.toContain(readFileSync(kept, 'utf8').trim());
    // What the owner alone may do is done on a terminal, as with a keychain; elsewhere the file has to be named.
    expect(await scratch.purser(['config', 'set', 'limits.per_day_usd', '6'])).toMatchObject({ exit: 3 });
    const raised = await terminal(['config', 'set', 'limits.per_day_usd', '6']).end();
    expect(raised.exit, raised.screen).toBe(0);
    expect(raised.screen).not.toContain('Unlock passphrase');
  });

  it('init without a keychain makes nothing where its owner wants no file', async () => {
    const person = terminal(['init'], NO_KEYCHAIN);
    await person.sees('Keep its keys in a file instead');
    person.type('n\r');
    const { exit, screen } = await person.end();
    expect(exit).toBe(1);
    expect(screen).toContain('nothing was made');
    expect(existsSync(scratch.home)).toBe(false);
  });

  it('Ctrl-C leaves nothing behind and the terminal as it was', async () => {
    const person = terminal(['init', '--keystore', 'file', '--testnet']);
    await person.sees('Passphrase for the keystore');
    person.type('half a pass\u0003');
    const { exit, screen } = await person.end();
    expect(exit).toBe(1);
    expect(screen).toContain('Cancelled');
    expect(existsSync(join(scratch.home, 'keystore.json'))).toBe(false);
  });

  it('init restores a phrase that is typed unseen', async () => {
    const args = [
      'init',
      '--keystore',
      'file',
      '--passphrase-file',
      scratch.passphraseFile,
      '--restore-stdin',
      '--offline',
    ];
    const person = terminal(args);
    await person.sees('Recovery phrase (not shown): ');
    person.type(`${PHRASE}\r`);
    await person.sees('Owner passphrase');
    person.type('\r');
    await person.sees('A passkey instead');
    person.type('\r');
    const { exit, screen } = await person.end();
    expect(exit).toBe(0);
    expect(screen).toContain('factor add passphrase');
    expect(screen).toContain(PHRASE_ADDRESS);
    expect(screen).not.toContain('junk');
  });

  it('backup shows the phrase after a warning and a yes, and nothing without one', async () => {
    const restore = [
      'init',
      '--keystore',
      'file',
      '--passphrase-file',
      scratch.passphraseFile,
      '--yes',
      '--restore-stdin',
      '--offline',
    ];
    await scratch.purser(restore, { input: PHRASE });
    const unsure = terminal(['backup', '--passphrase-file', scratch.passphraseFile]);
    await unsure.sees('Show it? [y/N] ');
    unsure.type('\r');
    const declined = await unsure.end();
    expect(declined.exit).toBe(1);
    expect(declined.screen).not.toContain('junk');

    const person = terminal(['backup']);
    await person.sees('Unlock passphrase (it opens the keystore): ');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('can take all the money');
    await person.sees('Show it? [y/N] ');
    person.type('yes\r');
    await person.sees('Enter clears the screen');
    const shown = person.screen();
    const words = [...shown.matchAll(/(\d+) ([a-z]+)/g)].map(([, place, word]) => [Number(place), word]);
    expect(words.slice(-12)).toEqual(PHRASE.split(' ').map((word, i) => [i + 1, word]));
    person.type('\r');
    // The screen is cleared, and what can be scrolled back to.
    await person.sees('\u001b[2J\u001b[3J');
    await giveWords(person);
    const { exit, screen } = await person.end();
    expect(exit).toBe(0);
    expect(screen).toContain('your copy can bring the wallet back');
    expect(screen).not.toContain(PASSPHRASE);
  });

  it('backup that is not proved is reminded of by doctor until it is', async () => {
    await scratch.makeWallet();
    const reminder = async (): Promise<unknown> => {
      const env = { PURSER_PASSPHRASE_FILE: scratch.passphraseFile };
      const { out } = await scratch.purser(['doctor', '--json', '--no-start'], { env });
      const { checks } = JSON.parse(out) as { checks: { name: string; state: string }[] };
      return checks.find(({ name }) => name === 'backup')?.state;
    };
    expect(await reminder()).toBe('warn');
    const wrong = terminal(['backup', '--passphrase-file', scratch.passphraseFile]);
    await wrong.sees('Show it?');
    wrong.type('y\r');
    await wrong.sees('Enter clears the screen');
    wrong.type('\r');
    await wrong.sees('Word ');
    wrong.type('zebra zebra\r');
    const { exit, screen } = await wrong.end();
    expect(exit).toBe(1);
    expect(screen).toContain('That is not the word.');
    expect(await reminder()).toBe('warn');
    const right = terminal(['backup', '--passphrase-file', scratch.passphraseFile]);
    await right.sees('Show it?');
    right.type('y\r');
    await right.sees('Enter clears the screen');
    right.type('\r');
    await giveWords(right);
    expect(await right.end()).toMatchObject({ exit: 0 });
    expect(await reminder()).toBe('ok');
  });

  it('purser alone shows the wallet at a glance, with the commands that fit it', async () => {
    const none = await terminal([]).end();
    expect(none.exit).toBe(0);
    expect(none.screen).toMatch(/There is no wallet in .* yet\./);
    expect(none.screen).toMatch(/install +creates one/);
    await scratch.makeWallet();
    const locked = await terminal([]).end();
    expect(locked.screen).toMatch(/Money +not looked at: The encrypted keystore needs its passphrase\./);
    expect(locked.screen).toMatch(/Spent in 24 h +\$0\.00 of \$5\.00 without asking/);
    expect(locked.screen).toMatch(/Waits for you +not known while the wallet is locked/);
    expect(locked.screen).toMatch(/backup +shows the words/);
    await scratch.purser(['freeze']);
    const frozen = await terminal([]).end();
    expect(frozen.screen).toMatch(/Frozen +nothing is signed or sent/);
    expect(frozen.screen).toMatch(/unfreeze +lets agents pay again/);
    // A pipe gets help, as before.
    expect((await scratch.purser(['status', '--json'])).out).toContain('"frozen": true');
  });

  it('top shows the wallet live, and freezes it by two keys', async () => {
    await scratch.makeWallet();
    const person = terminal(['top']);
    await person.sees('f freezes all agents');
    expect(person.screen()).toContain('Money not looked at: The encrypted keystore needs its passphrase.');
    person.type('f');
    await person.sees('Freeze all agents now?');
    person.type('x');
    await person.sees('f freezes all agents');
    person.type('fy');
    await person.sees('FROZEN');
    person.type('q');
    expect((await person.end()).exit).toBe(0);
    expect((await scratch.purser(['status', '--json'])).out).toContain('"frozen": true');
  });

  it('config edit takes what the editor leaves once it is accepted, and puts back what is not', async () => {
    await scratch.makeWallet();
    const config = join(scratch.home, 'config.json');
    const before = readFileSync(config, 'utf8');
    const editor = `sed -i 's/"per_call_usd": "0.50"/"per_call_usd": "0.25"/'`;
    const edit = ['config', 'edit', '--passphrase-file', scratch.passphraseFile];
    const unsure = terminal(edit, { EDITOR: editor });
    await unsure.sees('limits.per_call_usd');
    await unsure.sees('Accept it? [y/N] ');
    unsure.type('n\r');
    expect(await unsure.end()).toMatchObject({ exit: 1 });
    expect(readFileSync(config, 'utf8')).toBe(before);
    const owner = terminal(edit, { EDITOR: editor });
    await owner.sees('Accept it? [y/N] ');
    owner.type('y\r');
    expect(await owner.end()).toMatchObject({ exit: 0 });
    expect(await scratch.json(['config', 'get', 'limits.per_call_usd'])).toMatchObject({ value: '0.25' });
    expect((await terminal(edit, { EDITOR: 'true' }).end()).screen).toContain('Nothing was changed.');
    expect((await terminal(edit, { VISUAL: 'false' }).end()).screen).toContain('ended with a fault');
  });

  it('backup needs the owner: what unlocks a server does not show the phrase', async () => {
    await scratch.makeWallet();
    const agent = terminal(['backup'], { PURSER_PASSPHRASE_FILE: scratch.passphraseFile });
    await agent.sees('Unlock passphrase (it opens the keystore): ');
    agent.type('\u0004');
    const { exit, screen } = await agent.end();
    expect(exit).toBe(3);
    expect(screen).not.toContain('Show it?');
  });

  it('loosening takes the passphrase typed, and a wrong one is told', async () => {
    await scratch.makeWallet();
    const set = ['config', 'set', 'limits.per_day_usd', '20'];
    const wrong = terminal(set, { PURSER_PASSPHRASE_FILE: scratch.passphraseFile });
    await wrong.sees('Unlock passphrase (it opens the keystore): ');
    wrong.type('not this one\r');
    await wrong.sees('That does not open the keystore');
    wrong.type('nor this one\r');
    await wrong.sees('That does not open the keystore');
    wrong.type('\r');
    expect(await wrong.end()).toMatchObject({ exit: 6 });
    const second = terminal(set, { PURSER_PASSPHRASE_FILE: scratch.passphraseFile });
    await second.sees('Unlock passphrase (it opens the keystore): ');
    second.type('not this one\r');
    await second.sees('once more');
    second.type(`${PASSPHRASE}\r`);
    expect(await second.end()).toMatchObject({ exit: 0 });
    expect(
      await scratch.purser([
        'config',
        'set',
        'limits.per_day_usd',
        '5',
        '--passphrase-file',
        scratch.passphraseFile,
      ]),
    ).toMatchObject({ exit: 0 });
    const owner = terminal(set, { PURSER_PASSPHRASE_FILE: scratch.passphraseFile });
    await owner.sees('Unlock passphrase (it opens the keystore): ');
    owner.type(`${PASSPHRASE}\r`);
    expect(await owner.end()).toMatchObject({ exit: 0 });
    expect(await scratch.json(['config', 'get', 'limits.per_day_usd'])).toMatchObject({ value: '20.00' });
  });

  it('config accept asks, having shown the edit', async () => {
    await scratch.makeWallet();
    const config = join(scratch.home, 'config.json');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('"per_call_usd": "0.50"', '"per_call_usd": "0.75"'),
    );
    const accept = ['config', 'accept', '--passphrase-file', scratch.passphraseFile];
    const unsure = terminal(accept);
    await unsure.sees('limits.per_call_usd');
    await unsure.sees('Accept it? [y/N] ');
    unsure.type('n\r');
    expect(await unsure.end()).toMatchObject({ exit: 1 });
    const owner = terminal(accept);
    await owner.sees('Accept it? [y/N] ');
    owner.type('y\r');
    expect(await owner.end()).toMatchObject({ exit: 0 });
    expect(await scratch.purser(['limits', '--passphrase-file', scratch.passphraseFile])).toMatchObject({
      exit: 0,
    });
  });

  it('colours are there, and gone with NO_COLOR', async () => {
    expect((await terminal(['--help']).end()).screen).toContain('\u001b[1m');
    expect((await terminal(['--help'], { NO_COLOR: '1' }).end()).screen).not.toContain('\u001b');
  });
});

describe('away from a terminal', () => {
  it('backup shows nothing, whoever asks', async () => {
    await scratch.makeWallet();
    const run = await scratch.purser(['backup', '--passphrase-file', scratch.passphraseFile]);
    expect(run).toMatchObject({ exit: 3, out: '' });
    expect(run.err).toContain('terminal');
  });

  it.skipIf(why !== null)('backup shows nothing where only its output is a pipe', async () => {
    await scratch.makeWallet();
    const args = ['backup', '--passphrase-file', scratch.passphraseFile];
    const { screen } = await openTerminal(args, scratch.env(), { through: 'cat' }).end();
    expect(screen).toContain('never to a pipe');
    expect(screen).not.toContain('Show it?');
  });
});
