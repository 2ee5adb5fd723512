import { testSevenWays } from './sevenWays.js';

testSevenWays('solana');
