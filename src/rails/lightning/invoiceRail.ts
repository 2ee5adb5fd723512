import { WalletError } from '../../errors/walletError.js';
import type { Rail } from '../rail.js';
import {
  invoiceQuery,
  payInvoice,
  prepareInvoice,
  proveInvoice,
  writeInvoicePayment,
  type InvoiceProof,
} from './invoice.js';

/** A rail that pays an invoice before its proof is shown to the seller, in the way of its protocol. */
export function invoiceRail(names: Pick<Rail, 'id' | 'protocol' | 'scheme'>, proof: InvoiceProof): Rail {
  return {
    ...names,
    family: 'lightning',
    // A hold invoice is its payee's to end.
    proofTime: 'days',
    prepare: prepareInvoice,
    sign: (ports, { offer, intent }) => {
      if (intent.kind !== 'lightning_invoice')
        throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
      return Promise.resolve(writeInvoicePayment(offer, ports.nowMs()));
    },
    settlementQuery: (payment) => Promise.resolve(invoiceQuery(payment)),
    prepaid: {
      pay: (ports, payment, payload, signal) => payInvoice(ports, payment, payload, { signal, ...proof }),
      proveAgain: (ports, payment, payload, signal) =>
        proveInvoice(ports, payment, payload, { signal, ...proof }),
    },
  };
}
