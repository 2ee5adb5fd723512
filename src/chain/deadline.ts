/**
 * Runs a task under a signal that aborts when the caller's does, or `timeoutMs` after the start. The task must heed
 * it; nothing of the deadline outlives the task.
 */
export async function within<T>(
  timeoutMs: number,
  caller: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const giveUp = (): void => controller.abort(caller?.reason);
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  caller?.addEventListener('abort', giveUp, { once: true });
  if (caller?.aborted === true) giveUp();
  try {
    return await task(controller.signal);
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener('abort', giveUp);
  }
}
