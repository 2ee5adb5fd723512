import { randomBytes } from 'node:crypto';
import { schnorr } from '@noble/curves/secp256k1';
import { NWCWalletService, NWCWalletServiceKeyPair, type Nip47Transaction } from '@getalby/sdk/nwc';
import type { BookedPayment, LightningNode } from './node.ts';

/** A wallet that is reached by Nostr Wallet Connect. */
export interface NwcWallet {
  /** What an owner pastes. */
  readonly connection: string;
  close(): Promise<void>;
}

const METHODS = [
  'get_info',
  'get_balance',
  'pay_invoice',
  'lookup_invoice',
  'list_transactions',
  'make_invoice',
] as const;

/** Serves a node over NIP-47 by the published SDK's own wallet side. */
export async function serveNwc(node: LightningNode, relayUrl: string): Promise<NwcWallet> {
  const [walletSecret, clientSecret] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
  const clientKey = Buffer.from(schnorr.getPublicKey(clientSecret)).toString('hex');
  const pair = new NWCWalletServiceKeyPair(walletSecret, clientKey);
  const service = new NWCWalletService({ relayUrls: [relayUrl] });
  await service.publishWalletServiceInfoEvent(walletSecret, [...METHODS], []);
  const none = undefined;
  const failed = (code: string) => ({ result: none, error: { code, message: code.toLowerCase() } });
  const unsubscribe = await service.subscribe(pair, {
    getInfo: () =>
      Promise.resolve({
        result: {
          ...{ alias: 'sandbox', color: '#000000', pubkey: node.id, network: 'regtest' },
          ...{ block_height: 1, block_hash: '', methods: [...METHODS] },
        },
        error: none,
      }),
    getBalance: () => Promise.resolve({ result: { balance: Number(node.balanceMsat) }, error: none }),
    async payInvoice({ invoice }) {
      const answer = await node.pay(invoice);
      if (answer.kind === 'silent') return new Promise(() => undefined);
      if (answer.kind === 'failed') return failed(answer.code);
      return { result: { preimage: answer.preimage, fees_paid: Number(answer.feeMsat) }, error: none };
    },
    lookupInvoice({ payment_hash: hash = '' }) {
      const row = node.payments.get(hash);
      return Promise.resolve(
        row === undefined ? failed('NOT_FOUND') : { result: transactionOf(row), error: none },
      );
    },
    listTransactions: ({ offset = 0, limit = 50, unpaid = false }) =>
      Promise.resolve({
        result: {
          transactions: [...node.payments.values()]
            .filter(({ state }) => unpaid || state === 'paid')
            .slice(offset, offset + limit)
            .map(transactionOf),
          total_count: 0,
        },
        error: none,
      }),
    makeInvoice({ amount, description }) {
      const { text, paymentHash } = node.invoice(BigInt(amount), description);
      return Promise.resolve({
        result: { invoice: text, payment_hash: paymentHash } as Nip47Transaction,
        error: none,
      });
    },
  });
  return {
    connection: `nostr+walletconnect://${pair.walletPubkey}?relay=${encodeURIComponent(relayUrl)}&secret=${clientSecret}`,
    close() {
      unsubscribe();
      service.close();
      return Promise.resolve();
    },
  };
}

const STATES = { paid: 'settled', failed: 'failed', in_flight: 'pending' } as const;

function transactionOf(row: BookedPayment): Nip47Transaction {
  return {
    ...{ type: 'outgoing', state: STATES[row.state], invoice: '', description: '', description_hash: '' },
    ...{ preimage: row.preimage ?? '', payment_hash: row.paymentHash, amount: Number(row.amountMsat) },
    ...{ fees_paid: Number(row.feeMsat), created_at: row.createdSec, expires_at: 0 },
    settled_at: row.settledSec ?? 0,
  } as Nip47Transaction;
}
