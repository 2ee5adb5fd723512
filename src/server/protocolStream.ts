import { Writable } from 'node:stream';

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
