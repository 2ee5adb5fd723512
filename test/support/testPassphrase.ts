/** What opens every test wallet's keystore. */
export const TEST_PASSPHRASE = 'the test passphrase';
