import files from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Runs a command line, and is killed in the step that the first argument counts: a file put in its place, or taken away. */
const [at = '', ...argv] = process.argv.slice(2);
const { rename } = fs;
const { rmSync } = files;
let steps = 0;
const step = (): void => {
  steps += 1;
  if (steps === Number(at)) process.kill(process.pid, 'SIGKILL');
};
fs.rename = (from, to) => {
  step();
  return rename(from, to);
};
files.rmSync = (path, options) => {
  step();
  rmSync(path, options);
};
syncBuiltinESMExports();
const [{ runCli }, { fakeIo }] = await Promise.all([
  import('../../src/cli/cli.js'),
  import('../../src/cli/terminal/io.fixture.js'),
]);
const io = { ...fakeIo({ env: process.env as Record<string, string> }), now: Date.now };
io.typed.end();
process.exitCode = await runCli(argv, io);
