import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Room for the ledger of a long run, and little enough to be filled at once. */
const SIZE = '256m';
const LOOK_EVERY_MS = 10;
/** How long a process gets to come by the commit at which the disk is to be full. */
const FULL_WAIT_MS = 2_000;

/** A disk of its own that can be full; what lies on it goes with it. */
export class Disk {
  readonly path: string;
  /** The file that fills it. */
  readonly filler: string;

  private constructor(path: string) {
    this.path = path;
    this.filler = join(path, 'filler');
  }

  /** Mounts one in memory; null where nobody may. */
  static mount(): Disk | null {
    const path = mkdtempSync(join(tmpdir(), 'purser-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', path], { stdio: 'ignore' });
      return new Disk(path);
    } catch {
      rmSync(path, { recursive: true });
      return null;
    }
  }

  /** Resolves with true once no byte fits on it any more, with false where that did not come. */
  async untilFull(): Promise<boolean> {
    const endsMs = performance.now() + FULL_WAIT_MS;
    while (performance.now() < endsMs) {
      if (statfsSync(this.path).bavail === 0) return true;
      await delay(LOOK_EVERY_MS);
    }
    return false;
  }

  makeRoom(): void {
    rmSync(this.filler, { force: true });
  }

  unmount(): void {
    execFileSync('umount', ['--lazy', this.path], { stdio: 'ignore' });
    rmSync(this.path, { recursive: true, force: true });
  }
}
