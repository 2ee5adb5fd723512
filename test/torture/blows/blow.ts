import type { RpcProxy } from '../../../sandbox/rpcProxy.ts';
import type { Random } from '../../support/random.js';
import type { TestWallet } from '../../support/testWallet.js';
import type { GroundName, TestWorld } from '../../support/world.js';
import type { Notebook } from '../agent.js';
import type { Crew } from '../crew.js';
import type { SharedLedger } from '../shared.js';
import type { Disk } from '../disk.js';
import type { LightningSide } from '../sellers/lightning.js';
import type { Watch } from '../watch.js';

/** What blows act on. */
export interface Stage {
  readonly world: TestWorld;
  readonly mine: TestWallet;
  readonly crew: Crew;
  readonly watch: Watch;
  readonly notebook: Notebook;
  /** The RPC operators of each chain, as the wallets know them. */
  readonly operators: Readonly<Record<GroundName, readonly RpcProxy[]>>;
  /** The owner's Lightning node. */
  readonly lightning: LightningSide;
  /** The disk that the wallet lies on; null where this machine lets nobody mount one. */
  readonly disk: Disk | null;
  /** The database that the ledger is in, with its servers; null where it is a file. */
  readonly shared: SharedLedger | null;
  /** The wallet's agents. */
  readonly accounts: readonly string[];
  /** Sentences on what a blow found broken. */
  readonly broken: string[];
  /** A copy of the ledger as it once was, and how far it goes. */
  oldLedger: { readonly file: string; readonly seq: number } | null;
}

/** Something that befalls the wallets; says what it was, for the count of its kind. */
export type Blow = (stage: Stage, random: Random) => Promise<string>;

/** Blows that come one after the other, each with its weight, and the most that lies between two, in ms. */
export interface Lane {
  readonly blows: readonly (readonly [weight: number, blow: Blow])[];
  readonly calmMsMax: number;
}

export function drawBlow({ blows }: Lane, random: Random): Blow {
  let at = random.below(blows.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, blow] of blows) {
    if (at < weight) return blow;
    at -= weight;
  }
  throw new RangeError('A lane without blows');
}
