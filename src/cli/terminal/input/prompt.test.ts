import { describe, expect, it } from 'vitest';
import { fakeIo } from '../io.fixture.js';
import { askHidden, askLine, askYes } from './prompt.js';

describe('askHidden', () => {
  it('echoes nothing, and leaves the terminal as it was', async () => {
    const io = fakeIo({ terminal: true });
    const asked = askHidden(io, 'Passphrase: ');
    io.typed.write('correct horse');
    io.typed.write('\r');
    expect(await asked).toBe('correct horse');
    expect(io.err()).toBe('Passphrase: \n');
    expect(io.out()).toBe('');
    expect(io.rawModes).toEqual([true, false]);
  });

  it('takes letters that come in pieces, and keys that take back', async () => {
    const io = fakeIo({ terminal: true });
    const asked = askHidden(io, '');
    const bytes = Buffer.from('wrong\u0015päs😀x\u007f\u001b[A!\r');
    for (const byte of bytes) io.typed.write(Buffer.from([byte]));
    expect(await asked).toBe('päs😀!');
  });

  it('keeps what was pasted behind a line for the next question', async () => {
    const io = fakeIo({ terminal: true });
    const first = askHidden(io, 'one ');
    io.typed.write('same\r\nsame\r\n');
    expect(await first).toBe('same');
    expect(await askHidden(io, 'two ')).toBe('same');
  });

  it('ends with Ctrl-C as cancelled, and with Ctrl-D or the end of input as no answer', async () => {
    const cancelled = fakeIo({ terminal: true });
    const asked = askHidden(cancelled, '');
    cancelled.typed.write('half\u0003');
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    expect(cancelled.rawModes).toEqual([true, false]);

    const closed = fakeIo({ terminal: true });
    const waiting = askHidden(closed, '');
    closed.typed.write('\u0004');
    expect(await waiting).toBeNull();

    const ended = fakeIo({ terminal: true });
    const last = askHidden(ended, '');
    ended.typed.end();
    expect(await last).toBeNull();
  });
});

describe('askLine', () => {
  it('shows what is typed, and takes it back where it is taken back', async () => {
    const io = fakeIo({ terminal: true });
    const asked = askLine(io, 'Choose: ');
    io.typed.write('3\u007f2\r');
    expect(await asked).toBe('2');
    expect(io.err()).toBe('Choose: 3\b \b2\n');
  });
});

describe('askYes', () => {
  it.each([
    ['y', true],
    ['YES', true],
    ['', false],
    ['n', false],
    ['yeah', false],
  ])('reads %j as %s', async (answer, yes) => {
    const io = fakeIo({ terminal: true });
    const asked = askYes(io, 'Accept it?');
    io.typed.write(`${answer}\r`);
    expect(await asked).toBe(yes);
  });
});
