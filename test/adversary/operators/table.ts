import type { RpcFault } from '../../../sandbox/rpcProxy.ts';

/** What RPC operators are tried with, by the numbers of the threats. */
export const OPERATOR_THREATS = {
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

const MENDS: readonly Mend[] = ['reconcile', 'audit', 'background', 'new process'];
const LABELS: Readonly<Record<ChainName, string>> = { base: 'Base', solana: 'Solana' };
const CHAINS: readonly ChainName[] = ['base', 'solana'];

function rowsOn(chain: ChainName, rows: readonly (readonly [string, Parts])[]): OperatorAttack[] {
  return rows.map(([name, parts]) => ({
    threat: 'T31',
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
  ...CHAINS.flatMap((chain) => rowsOn(chain, ON_BOTH)),
  ...rowsOn('base', ON_BASE),
  ...rowsOn('solana', ON_SOLANA),
  ...CHAINS.flatMap(forcedOn),
];
