import { testSevenWays } from './sevenWays.js';

testSevenWays('base');
