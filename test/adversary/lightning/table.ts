import { randomBytes } from 'node:crypto';
import type { PayBehaviour } from '../../../sandbox/lightning/node.ts';
import type { InvoiceTerms } from '../../../sandbox/lightning/invoice.ts';
import type { WAYS } from '../../support/lightningWorld.js';

/** What sellers and nodes of Lightning try, by the number of the threat. */
export const LIGHTNING_THREATS = {
  T40: 'Lightning: invoices, fees, and nodes that lie',
} as const;

type Way = (typeof WAYS)[number];

/** A seller of Lightning, or the owner's own node, that takes more than was agreed, or says what is not so. */
export interface LightningAttack {
  readonly threat: keyof typeof LIGHTNING_THREATS;
  readonly name: string;
  readonly way: Way;
  /** The invoice that the seller shows in the place of the honest one: what differs from that. */
  readonly invoice?: Partial<InvoiceTerms>;
  /** All challenges show the first one's invoice. */
  readonly isOneInvoice?: true;
  /** What the seller's demand says beside its invoice, by MPP. */
  readonly demand?: { readonly amount?: string; readonly paymentHash?: string };
  /** The seller takes no proof, and asks again. */
  readonly isInsatiable?: true;
  /** The price of a page; below the cap of a call unless given. */
  readonly sats?: number;
  /** How the node meets each request to pay. */
  readonly node?: PayBehaviour;
  /** What the node's books show later: that what it called failed was paid. */
  readonly admits?: true;
  /** No request to pay may reach the node. */
  readonly asksNothing?: true;
  /** The node is asked so often, and not once more; unless given, as the limits allow. */
  readonly asks?: number;
  /** The node takes so much more than it was bound to, once: no limit bounds what the owner's own wallet does by itself. */
  readonly overMsat?: bigint;
}

type Parts = Omit<LightningAttack, 'threat' | 'name' | 'way'>;
type Row = readonly [name: string, parts: Parts];

const HOUR_SEC = 3_600;
const BAD = { asksNothing: true } as const;
const MSAT_PER_BTC = 100_000_000_000n;

/** What a seller can do, by either interface to the node the same. */
const SELLERS: readonly Row[] = [
  ['an invoice that names no amount', { ...BAD, invoice: { amountMsat: null } }],
  [
    'an invoice that names another payee than its signer',
    { ...BAD, invoice: { payee: `02${'79'.repeat(32)}` } },
  ],
  [
    'an invoice whose words were changed once it was signed',
    { ...BAD, invoice: { tamper: ([first = 0, ...rest]) => [(first + 1) % 32, ...rest] } },
  ],
  ['an invoice of another Lightning network', { ...BAD, invoice: { chain: 'bc' } }],
  [
    'an invoice that is over',
    { ...BAD, invoice: { createdSec: Math.floor(Date.now() / 1000) - 3 * HOUR_SEC } },
  ],
  ['an invoice that can be paid for eleven days', { ...BAD, invoice: { expirySec: 264 * HOUR_SEC } }],
  [
    'an invoice over all bitcoin that there is',
    { ...BAD, invoice: { amountMsat: 21_000_000n * MSAT_PER_BTC } },
  ],
  ['an invoice over more than the page said before', { ...BAD, invoice: { amountMsat: 5_000_000n } }],
  ['a price above the limit of a call', { ...BAD, sats: 5_000 }],
  ['an invoice over more than the demand beside it', { ...BAD, demand: { amount: '5' } }],
  [
    'an invoice of another hash than the demand beside it',
    { ...BAD, demand: { paymentHash: randomBytes(32).toString('hex') } },
  ],
  ['one invoice, shown again and again', { isOneInvoice: true, asks: 1 }],
  ['proof after proof, and still 402', { isInsatiable: true }],
];

/** What the owner's own node can do to the wallet, by either interface. */
const NODES: readonly Row[] = [
  ['a payee that holds each payment', { node: { kind: 'holds' } }],
  ['a node that says nothing', { node: { kind: 'deaf' } }],
  ['a node that pays, and whose answers are lost', { node: { kind: 'pays_in_silence' } }],
  ['a node that shows the proof of something else', { node: { kind: 'lies' } }],
  ['a node that pays and shows no proof', { node: { kind: 'hides_proof' } }],
  [
    'a node that calls a payment failed, and has made it',
    { node: { kind: 'calls_failed' }, admits: true, overMsat: 10_000_000n },
  ],
  [
    'a node that takes more for routing than it was bound to',
    { node: { kind: 'overcharges', feeMsat: 60_000n }, asks: 1, overMsat: 50_000n },
  ],
  ['a node whose answer is late', { node: { kind: 'acts_late', afterMs: 1_500 } }],
];

/** A relay can bring what REST cannot. */
const OVER_NOSTR: readonly Row[] = [
  ['a second copy of a request that is refused while the first is under way', { node: { kind: 'denies' } }],
];

const OVER_REST: readonly Row[] = [
  ['a way to the payee that costs more than the bound', { node: { kind: 'pays', feeMsat: 60_000n } }],
];

const LABELS: Readonly<Record<Way, string>> = { nwc: 'Nostr Wallet Connect', lnd: 'LND' };

function rowsOver(way: Way, rows: readonly Row[]): LightningAttack[] {
  return rows.map(([name, parts]) => ({
    threat: 'T40',
    way,
    name: `${name}, over ${LABELS[way]}`,
    ...parts,
  }));
}

/** Every attack by Lightning. */
export const LIGHTNING_ATTACKS: readonly LightningAttack[] = [
  ...rowsOver('lnd', SELLERS),
  ...rowsOver('lnd', NODES),
  ...rowsOver('nwc', NODES),
  ...rowsOver('nwc', OVER_NOSTR),
  ...rowsOver('lnd', OVER_REST),
];
