import { execFileSync } from 'node:child_process';

/** Builds what the whole-system tests run: they drive `bin/purser.js` as people do. */
export default function setup(): void {
  execFileSync(process.execPath, ['scripts/build.ts'], { stdio: ['ignore', 'ignore', 'inherit'] });
}
