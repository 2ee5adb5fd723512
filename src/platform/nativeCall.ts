/** Native calls of this process, one behind the other. */
let queue: Promise<unknown> = Promise.resolve();

/** How many were given up and still run. */
let givenUp = 0;

/**
 * Runs a native call on the thread pool, and rejects with `tooLate()` when it has not ended within the deadline.
 *
 * A running call cannot be stopped, so calls run one at a time: a dialog that nobody answers takes one thread of the
 * pool, however often the call is tried again, and whoever answers it late finds the next try working. Waiting for
 * one's turn counts toward the deadline.
 */
export async function callWithin<T>(
  deadlineMs: number,
  call: (signal: AbortSignal) => Promise<T>,
  tooLate: () => Error,
): Promise<T> {
  const controller = new AbortController();
  const turn = queue.then(async () => {
    controller.signal.throwIfAborted();
    return await call(controller.signal);
  });
  queue = turn.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      giveUp(turn);
      reject(tooLate());
    }, deadlineMs);
  });
  try {
    return await Promise.race([turn, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function giveUp(turn: Promise<unknown>): void {
  if (givenUp === 0) process.on('exit', leaveAtOnce);
  givenUp += 1;
  const settle = (): void => {
    givenUp -= 1;
    if (givenUp === 0) process.off('exit', leaveAtOnce);
  };
  turn.then(settle, settle);
}

/**
 * Ends the process although a native call runs: Node would wait for its thread, so for a person at a dialog.
 *
 * Replacing the process keeps the exit code. Where that cannot be done, an end by signal is better than none.
 */
function leaveAtOnce(code: number): void {
  if (process.platform !== 'win32' && typeof process.execve === 'function') {
    process.execve('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  }
  process.kill(process.pid, 'SIGKILL');
}
