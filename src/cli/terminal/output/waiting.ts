import type { CliInput, CliIo, CliOutput } from '../io.js';

/** Who waits longer than this wants to see that something goes on. */
const QUIET_MS = 500;
const FRAME_MS = 120;
const FRAMES = ['|', '/', '-', '\\'] as const;
const CLEAR_LINE = '\r\u001b[K';

/**
 * An IO that shows on a terminal that a command goes on: half a second after its last output a line comes up on stderr with the
 * seconds since then, and goes before whatever is written next. None while a question waits for its answer, none elsewhere than
 * on a terminal, and none where `NO_COLOR` or a dumb terminal asks for plain text. `end` takes it away.
 */
export function showWaiting(io: CliIo, what: string): { readonly io: CliIo; readonly end: () => void } {
  const wantsPlain = !!io.env['NO_COLOR'] || io.env['TERM'] === 'dumb';
  if (io.stderr.isTTY !== true || wantsPlain) return { io, end: () => undefined };
  let sinceMs = performance.now();
  let isDrawn = false;
  let isAsking = false;
  let isAtLineStart = true;
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;
  const clear = (): void => {
    clearTimeout(timer);
    if (isDrawn) io.stderr.write(CLEAR_LINE);
    isDrawn = false;
  };
  const draw = (): void => {
    if (isAsking || !isAtLineStart) return;
    const seconds = Math.floor((performance.now() - sinceMs) / 1000);
    io.stderr.write(
      `${CLEAR_LINE}${FRAMES[frame % FRAMES.length]} ${what}${seconds > 0 ? `, ${seconds} s` : ''}`,
    );
    isDrawn = true;
    frame += 1;
    timer = setTimeout(draw, FRAME_MS).unref();
  };
  const wait = (): void => {
    clearTimeout(timer);
    sinceMs = performance.now();
    timer = setTimeout(draw, QUIET_MS).unref();
  };
  const output = (to: CliOutput): CliOutput => ({
    write: (chunk) => {
      clear();
      const last = typeof chunk === 'string' ? chunk.at(-1) : chunk.at(-1) === 10 ? '\n' : ' ';
      if (last !== undefined) isAtLineStart = last === '\n';
      const written = to.write(chunk);
      wait();
      return written;
    },
    ...(to.on === undefined ? {} : { on: to.on.bind(to) }),
    get isTTY() {
      return to.isTTY === true;
    },
    ...(to.columns === undefined ? {} : { columns: to.columns }),
  });
  const input = (from: CliInput): CliInput =>
    new Proxy(from, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          // A question puts the terminal into raw mode, and lets it out of it once it is answered.
          if (name === 'setRawMode') {
            isAsking = args[0] === true;
            sinceMs = performance.now();
          }
          return (value as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  wait();
  return {
    io: { ...io, stdout: output(io.stdout), stderr: output(io.stderr), stdin: input(io.stdin) },
    end: () => {
      clear();
      isAsking = true;
    },
  };
}
