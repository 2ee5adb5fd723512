import { WalletError } from '../../errors/walletError.js';
import { tokenExpiresMs, writeCredential } from '../../protocols/l402/credential.js';
import type { Rail } from '../rail.js';
import { invoiceQuery, payInvoice, prepareInvoice, proveInvoice, writeInvoicePayment } from './invoice.js';

/** L402: an invoice that is paid before its token is shown with the proof. The token is good for further calls. */
export const l402Lightning: Rail = {
  id: 'l402.lightning',
  protocol: 'l402',
  scheme: 'invoice',
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
    pay: (ports, payment, payload, signal) =>
      payInvoice(ports, payment, payload, { signal, prove: writeCredential, lastsUntilMs: tokenExpiresMs }),
    proveAgain: (ports, payment, payload, signal) =>
      proveInvoice(ports, payment, payload, { signal, prove: writeCredential, lastsUntilMs: tokenExpiresMs }),
  },
};
