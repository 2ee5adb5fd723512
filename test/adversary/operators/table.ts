import type { RpcFault } from '../../../sandbox/rpcProxy.ts';

/** What RPC operators are tried with, by the numbers of the threats. */
export const OPERATOR_THREATS = {
  T30: 'a clock that is wrong, or that one operator calls wrong',
  T31: 'operators that prune, lag, are dusted or lie',
  T32: 'releases that were false',
} as const;

/** Which chain a row is tried on. */
export type ChainName = 'base' | 'solana';

/** How an operator behaves: its faults, all at once. */
type Behaviour = readonly RpcFault[];

/** Payments that are kept back and settled late, while the operators of their chain fail or lie. */
export interface OperatorAttack {
  readonly threat: keyof typeof OPERATOR_THREATS;
  readonly name: string;
  readonly chain: ChainName;
  /** The two operators that the product's own table names; or one that the owner named. */
  readonly operators: readonly [Behaviour] | readonly [Behaviour, Behaviour];
  /** How the wallet's clock is set wrong, before its first call or at a commit of it; it stays so while agents buy. */
  readonly clock?: { readonly aheadSec: number; readonly from: 'start' | 'held' | 'sent' };
  /** How many signatures agents can get; some, and within the caps, unless said. */
  readonly signatures?: number;
  /** How much is put on the paying account meanwhile, each with the memo of a payment where it can be known. */
  readonly dust?: number;
  /** Each payment is taken for never settled, by force, before it is looked at by this. */
  readonly forced?: { readonly note: 'expired_unused' | 'receipt_false'; readonly mend: Mend };
}

/** What finds out that a release was false. */
export type Mend = 'reconcile' | 'audit' | 'background' | 'new process';

const HONEST: Behaviour = [];
const LAGGING: Behaviour = [{ kind: 'lagging', blocks: 1 }];
const FAR_BEHIND: Behaviour = [{ kind: 'lagging', blocks: 400 }];
const PRUNED: Behaviour = [{ kind: 'pruned', before: Number.MAX_SAFE_INTEGER }];
/** It keeps no index of what is older, and says that it keeps all. */
const SILENTLY_PRUNED: Behaviour = [{ kind: 'pruned', before: Number.MAX_SAFE_INTEGER, silent: true }];
const DOWN: Behaviour = [{ kind: 'down' }];
/** About the payment, about one height, and about the blockhash. */
const LYING: Behaviour = [{ kind: 'lying', used: false, aheadSec: 3_600, dead: true, lastBlock: 1 }];
/** About the time alone, by the date of each answer: that of a clock which is a day ahead. */
const DAY_SEC = 86_400;
const DATED_AHEAD: Behaviour = [{ kind: 'lying', dateAheadSec: DAY_SEC }];
/** Past every window of a cap. */
const MONTH_SEC = 31 * DAY_SEC;
const LYING_ABOUT_EVENTS: Behaviour = [{ kind: 'lying', hides: 'events' }];

/** Enough for two pages of a history, and for more than one look. */
const DUST = 2_500;

type Parts = Omit<OperatorAttack, 'threat' | 'chain' | 'name'>;

/** What is tried on both chains. */
const ON_BOTH: readonly (readonly [name: string, parts: Parts])[] = [
  ['one operator that pruned its history, beside an honest one', { operators: [PRUNED, HONEST] }],
  ['one far behind, beside an honest one', { operators: [HONEST, FAR_BEHIND] }],
  ['one that lies about all, beside an honest one a block behind', { operators: [LYING, LAGGING] }],
  ['one that lies about all, beside one that is down', { operators: [LYING, DOWN] }],
  ['one that lies about all, beside one that pruned its history', { operators: [LYING, PRUNED] }],
  ['both without their history, and neither says so', { operators: [SILENTLY_PRUNED, SILENTLY_PRUNED] }],
  ['the owner’s own RPC without its history, which does not say so', { operators: [SILENTLY_PRUNED] }],
];

const ON_BASE: readonly (readonly [name: string, parts: Parts])[] = [
  ['one that hides the events, beside one far behind', { operators: [LYING_ABOUT_EVENTS, FAR_BEHIND] }],
];

const ON_SOLANA: readonly (readonly [name: string, parts: Parts])[] = [
  ['pages of dust on the account, and honest operators', { operators: [HONEST, HONEST], dust: DUST }],
  ['dust, one that lies about all, and one far behind', { operators: [LYING, FAR_BEHIND], dust: DUST }],
];

/** The clock is what is wrong, or what is lied about. */
const CLOCKS: readonly (readonly [name: string, parts: Parts])[] = [
  ...(
    [
      ['a day ahead', DAY_SEC],
      ['a day behind', -DAY_SEC],
    ] as const
  ).map(([off, aheadSec]): [string, Parts] => [
    `a clock ${off}`,
    { operators: [HONEST, HONEST], clock: { aheadSec, from: 'start' }, signatures: 0 },
  ]),
  ...(
    [
      ['ahead', MONTH_SEC],
      ['behind', -MONTH_SEC],
    ] as const
  ).flatMap(([way, aheadSec]): [string, Parts][] => [
    [
      `a clock that jumps a month ${way} between hold and signature`,
      { operators: [HONEST, HONEST], clock: { aheadSec, from: 'held' }, signatures: 0 },
    ],
    [
      `a clock that jumps a month ${way} once a payment has left`,
      { operators: [HONEST, HONEST], clock: { aheadSec, from: 'sent' }, signatures: 1 },
    ],
  ]),
  [
    'a clock a day ahead that one of two operators calls right',
    { operators: [DATED_AHEAD, HONEST], clock: { aheadSec: DAY_SEC, from: 'start' }, signatures: 0 },
  ],
  [
    'one of two operators calls a right clock wrong, and stops nothing',
    { operators: [DATED_AHEAD, HONEST], clock: { aheadSec: 0, from: 'start' } },
  ],
];

const MENDS: readonly Mend[] = ['reconcile', 'audit', 'background', 'new process'];
const LABELS: Readonly<Record<ChainName, string>> = { base: 'Base', solana: 'Solana' };
const CHAINS: readonly ChainName[] = ['base', 'solana'];

function rowsOn(
  chain: ChainName,
  rows: readonly (readonly [string, Parts])[],
  threat: OperatorAttack['threat'] = 'T31',
): OperatorAttack[] {
  return rows.map(([name, parts]) => ({
    threat,
    chain,
    name: `${name}, on ${LABELS[chain]}`,
    ...parts,
  }));
}

function forcedOn(chain: ChainName): OperatorAttack[] {
  return MENDS.map((mend, i) => ({
    threat: 'T32',
    chain,
    name: `a false release that ${mend === 'audit' || mend === 'background' ? 'the' : 'a'} ${mend} finds, on ${LABELS[chain]}`,
    operators: [HONEST, HONEST],
    forced: { note: i % 2 === 0 ? 'expired_unused' : 'receipt_false', mend },
  }));
}

/** Every attack by the operators of a chain, or by what they once made the wallet believe. */
export const OPERATOR_ATTACKS: readonly OperatorAttack[] = [
  ...CHAINS.flatMap((chain) => rowsOn(chain, CLOCKS, 'T30')),
  ...CHAINS.flatMap((chain) => rowsOn(chain, ON_BOTH)),
  ...rowsOn('base', ON_BASE),
  ...rowsOn('solana', ON_SOLANA),
  ...CHAINS.flatMap(forcedOn),
];
