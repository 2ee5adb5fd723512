import { Transform, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Takes stdout for the protocol alone and answers the one stream that still reaches it. Whatever else is written to
 * stdout, by `console.log` of a library too, goes to stderr from now on: one stray line would end the connection.
 *
 * A client that is gone (EPIPE) fails the returned stream and nothing else: the process must live to write down what
 * became of its payments.
 */
export function takeStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Writable {
  const write = stdout.write.bind(stdout);
  const ignore = (): void => undefined;
  stdout.on('error', ignore);
  stderr.on('error', ignore);
  stdout.write = stderr.write.bind(stderr);
  const protocol = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      write(chunk, (error) => {
        done(error ?? null);
      });
    },
  });
  // Every answer that waits for a slow reader listens for its turn; that is no leak.
  return protocol.setMaxListeners(0);
}

/** A stream that passes everything on at once but its end, which waits until all was read and `done` says so. */
export function delayEnd(done: () => Promise<void>): Transform {
  return new Transform({
    transform(chunk: Uint8Array, _encoding, pass) {
      pass(null, chunk);
    },
    flush(end) {
      const readAll = async (): Promise<void> => {
        while (this.readableLength > 0) await nextTurn();
        await done();
      };
      readAll().then(
        () => end(),
        () => end(),
      );
    },
  });
}
