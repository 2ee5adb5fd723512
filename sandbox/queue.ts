/**
 * Returns a function that runs tasks one after another, in the order given; a task that fails does not stop the next.
 */
export function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (task) => {
    const done = tail.then(task, task);
    tail = done.catch(() => undefined);
    return done;
  };
}
