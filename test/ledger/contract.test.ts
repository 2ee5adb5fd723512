import { ledgerStoreIn } from '../../src/ledger/stores.js';
import { describeLedgerContract } from './contract.js';

describeLedgerContract('one file of SQLite', ledgerStoreIn);
