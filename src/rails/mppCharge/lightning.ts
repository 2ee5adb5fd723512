import { WalletError } from '../../errors/walletError.js';
import { proveCredential } from '../../protocols/mpp/credential.js';
import {
  invoiceQuery,
  payInvoice,
  prepareInvoice,
  proveInvoice,
  writeInvoicePayment,
} from '../lightning/invoice.js';
import type { Rail } from '../rail.js';

/** A charge by Lightning: an invoice that is paid before its proof is shown, once. */
export const mppChargeLightning: Rail = {
  id: 'mpp.charge.lightning',
  protocol: 'mpp',
  scheme: 'charge',
  family: 'lightning',
  proofTime: 'days',
  prepare: prepareInvoice,
  sign: (ports, { offer, intent }) => {
    if (intent.kind !== 'lightning_invoice')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    return Promise.resolve(writeInvoicePayment(offer, ports.nowMs()));
  },
  settlementQuery: (payment) => Promise.resolve(invoiceQuery(payment)),
  prepaid: {
    pay: (ports, payment, payload, signal) =>
      payInvoice(ports, payment, payload, { signal, prove: proveCredential }),
    proveAgain: (ports, payment, payload, signal) =>
      proveInvoice(ports, payment, payload, { signal, prove: proveCredential }),
  },
};
