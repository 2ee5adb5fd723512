/** What a seller does on the chain by the vouchers that it was given, oldest first. */
export type ChannelStep =
  | {
      readonly kind: 'take';
      readonly voucher: 'first' | 'last';
      readonly moreAtomic: bigint;
      readonly isTaken: boolean;
    }
  | { readonly kind: 'give_back' };

/** One call of an agent that believes its seller. */
export interface ChannelVisit {
  /** What the seller does there, as the sandbox's shop is told. */
  readonly query: string;
  /** Pays unless it is said that nothing new may be signed. */
  readonly signsNothing?: true;
  /** What happens on the chain behind it. */
  readonly then?: readonly ChannelStep[];
}

/** A seller of `batch-settlement` that lies; at the end the owner closes, and the chain says what it had. */
export interface ChannelAttack {
  readonly threat: 'T47';
  readonly name: string;
  readonly visits: readonly ChannelVisit[];
  /** All that the seller has in the end, atomic: what an honest one would have for what it was given, and no more. */
  readonly takesAtomic: bigint;
}

const CALL: ChannelVisit = { query: '' };
const T47 = { threat: 'T47' } as const;
const refused = (query: string): ChannelVisit => ({ query, signsNothing: true });
const take = (voucher: 'first' | 'last', moreAtomic: bigint, isTaken: boolean): ChannelStep => ({
  ...{ kind: 'take', voucher, moreAtomic, isTaken },
});

/** Every lie about a channel of x402. A call costs a cent; the owner lets one seller have a dollar in deposits, and a call move a dollar. */
export const CHANNEL_ATTACKS: readonly ChannelAttack[] = [
  {
    ...T47,
    name: 'takes a unit more than its last voucher in a channel of x402, then all of the deposit',
    visits: [CALL, { query: '', then: [take('last', 1n, false), take('last', 80_000n, false)] }],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'takes by an older voucher of a channel of x402, behind the newer one and beside it',
    visits: [CALL, { query: '', then: [take('last', 0n, true), take('first', 0n, false)] }, CALL],
    takesAtomic: 30_000n,
  },
  {
    ...T47,
    name: 'says that it charged a thousand times what a channel of x402 was drawn on',
    visits: [CALL, { query: '&fault=again&lie=charged_more' }, CALL],
    takesAtomic: 30_000n,
  },
  {
    ...T47,
    name: 'says that it charged nothing of a channel of x402, and asks for the same vouchers again',
    visits: [CALL, { query: '&fault=again&lie=charged_nothing' }, CALL],
    takesAtomic: 30_000n,
  },
  {
    ...T47,
    name: 'names another payee, token, chain or contract while its channel of x402 is open',
    // A payee is known by three payments.
    visits: [
      ...[CALL, CALL, CALL],
      ...[refused('&lie=payee'), refused('&lie=token'), refused('&lie=chain'), { query: '&lie=contract' }],
    ],
    takesAtomic: 40_000n,
  },
  {
    ...T47,
    name: 'asks for a second, larger deposit of x402 under another name, or for a month, while the first is open',
    visits: [
      CALL,
      refused('&lie=operator&usd=0.95'),
      refused('&lie=month&usd=0.95'),
      refused('&lie=years'),
      CALL,
    ],
    takesAtomic: 20_000n,
  },
  {
    ...T47,
    name: 'takes vouchers of x402, serves nothing and answers 402 for ever',
    visits: [
      CALL,
      { query: '&fault=again' },
      { query: '&fault=again' },
      refused('&fault=again'),
      refused('&fault=again&lie=operator'),
    ],
    takesAtomic: 30_000n,
  },
  {
    ...T47,
    name: 'gives back a channel of x402 unasked, and goes on asking for vouchers of it',
    // The call that finds it empty is not served; the next one makes another deposit.
    visits: [CALL, { query: '', then: [{ kind: 'give_back' }] }, CALL, CALL],
    takesAtomic: 30_000n,
  },
];
