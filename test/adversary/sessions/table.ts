import type { PayeeCall } from '../../../sandbox/tempo/channels.ts';

/** What sellers of sessions try, by the number of the threat. */
export const SESSION_THREATS = {
  T47: 'deposits: vouchers, closings and demands that lie',
} as const;

/** A voucher as the seller has it. */
export type Voucher = Pick<PayeeCall, 'descriptor' | 'signature' | 'cumulativeAtomic'>;

/** What a seller does on the chain by what it was given, and whether the chain may take it. */
export interface ChainStep {
  readonly call: (vouchers: readonly Voucher[]) => PayeeCall;
  readonly isTaken: boolean;
}

/** One call of an agent that believes its seller. */
export interface SessionVisit {
  /** What the seller does there, as the sandbox's shop is told. */
  readonly query: string;
  /** Pays unless it is said that nothing new may be signed. */
  readonly signsNothing?: true;
}

/** A seller that lies about a session; at the end the owner closes, and the chain says what it had. */
export interface SessionAttack {
  readonly threat: keyof typeof SESSION_THREATS;
  readonly name: string;
  readonly visits: readonly SessionVisit[];
  readonly onChain?: readonly ChainStep[];
  /** All that the seller has in the end, atomic: what an honest one would have for what it was given, and no more. */
  readonly takesAtomic: bigint;
  /** How the owner gets the rest: by the seller's closing, or by asking the chain, which gives the seller a quarter of an hour. */
  readonly closes: 'by the seller' | 'by the chain';
}

const CALL: SessionVisit = { query: '' };
const T47 = { threat: 'T47', closes: 'by the seller' } as const;

const last = (vouchers: readonly Voucher[]): Voucher => vouchers.at(-1)!;
const first = (vouchers: readonly Voucher[]): Voucher => vouchers[0]!;
const settle =
  (of: typeof last, moreAtomic = 0n): ChainStep['call'] =>
  (vouchers) => {
    const voucher = of(vouchers);
    return {
      ...voucher,
      functionName: 'settle',
      cumulativeAtomic: voucher.cumulativeAtomic + moreAtomic,
    };
  };
const close =
  (of: typeof last, { captureAtomic, moreAtomic = 0n }: { captureAtomic: bigint; moreAtomic?: bigint }) =>
  (vouchers: readonly Voucher[]): PayeeCall => {
    const voucher = of(vouchers);
    const cumulativeAtomic = voucher.cumulativeAtomic + moreAtomic;
    return { ...voucher, functionName: 'close', cumulativeAtomic, captureAtomic };
  };

/** Every lie about a session. A call costs a cent; the owner lets one seller have a dollar in deposits, and a call move a dollar. */
export const SESSION_ATTACKS: readonly SessionAttack[] = [
  {
    ...T47,
    name: 'settles a unit more than the last voucher says, then all of the deposit',
    visits: [CALL, CALL],
    onChain: [
      { call: settle(last, 1n), isTaken: false },
      { call: settle(last, 480_000n), isTaken: false },
    ],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'settles an old voucher once more, behind the newer one',
    visits: [CALL, CALL],
    onChain: [
      { call: settle(last), isTaken: true },
      { call: settle(first), isTaken: false },
      { call: settle(last), isTaken: false },
    ],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'has more and more added to the channel, and never says that it came',
    visits: [
      CALL,
      { query: '&usd=0.50&deposit=0.05&fault=unheard', signsNothing: true },
      { query: '&usd=0.50&deposit=0.05&fault=unheard', signsNothing: true },
      { query: '&usd=0.50&deposit=0.50&fault=unheard', signsNothing: true },
      CALL,
    ],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'closes for more than its voucher says',
    visits: [CALL],
    onChain: [
      { call: close(last, { captureAtomic: 500_000n }), isTaken: false },
      { call: close(last, { captureAtomic: 500_000n, moreAtomic: 490_000n }), isTaken: false },
    ],
    takesAtomic: 10_000n,
  },
  {
    ...T47,
    name: 'closes by itself for less than it was given, and asks on',
    visits: [CALL, CALL, CALL],
    onChain: [{ call: close(last, { captureAtomic: 12_345n }), isTaken: true }],
    takesAtomic: 12_345n,
  },
  {
    ...T47,
    name: 'closes by an old voucher, and keeps the newer one',
    visits: [CALL, CALL],
    onChain: [
      { call: close(first, { captureAtomic: 10_000n }), isTaken: true },
      { call: settle(last), isTaken: false },
    ],
    takesAtomic: 10_000n,
  },
  {
    ...T47,
    name: 'asks a hundred times as much for the second call, in the same channel',
    visits: [CALL, { query: '&usd=1.00', signsNothing: true }, { query: '&usd=1000000', signsNothing: true }],
    takesAtomic: 10_000n,
  },
  {
    ...T47,
    name: 'asks for more than is left of the deposit, beside a larger one that it suggests',
    visits: [
      CALL,
      { query: '&usd=0.995&deposit=1', signsNothing: true },
      { query: '&usd=1.00&deposit=100', signsNothing: true },
    ],
    takesAtomic: 10_000n,
  },
  {
    ...T47,
    name: 'claims in its receipts to have been given a thousand times as much',
    visits: [{ query: '&fault=boast' }, { query: '&fault=boast' }, CALL],
    takesAtomic: 30_000n,
  },
  {
    ...T47,
    name: 'names another channel in its receipts',
    visits: [{ query: '&fault=echo' }, { query: '&fault=echo' }],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'takes vouchers, serves nothing and asks on and on',
    visits: [
      CALL,
      { query: '&fault=again' },
      { query: '&fault=again&deposit=1' },
      { query: '&fault=again&deposit=100', signsNothing: true },
      { query: '&fault=again&operator=other&deposit=100', signsNothing: true },
    ],
    takesAtomic: 30_000n,
  },
  {
    ...T47,
    name: 'asks for a second deposit, under another name, while the first is open',
    visits: [
      CALL,
      { query: '&operator=other&deposit=0.60&usd=0.55', signsNothing: true },
      { query: '&operator=other&fee=own&deposit=1&usd=0.90', signsNothing: true },
      CALL,
    ],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'meets each wish to close with a further demand',
    visits: [{ query: '&fault=keeps' }, { query: '&fault=keeps' }],
    takesAtomic: 0n,
    closes: 'by the chain',
  },
];
