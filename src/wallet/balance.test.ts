import { expect, test } from 'vitest';
import { tellOfSilence } from './balance.js';

const funded = { label: 'Base', on_chain: '5.00', spendable: '5.00', held_atomic: '0' };
const broke = { ...funded, on_chain: '0.00', spendable: '0.00' };
const silent = { label: 'Tempo', on_chain: null, spendable: null, held_atomic: '0' };

test.each([
  ['beside money elsewhere', [funded, silent], false, null],
  ['that holds money', [funded, { ...silent, held_atomic: '1' }], false, 'Tempo'],
  ['that was asked for', [silent], true, 'Tempo'],
  ['where no other has money', [broke, silent], false, 'Tempo'],
  ['alone', [silent], false, 'Tempo'],
  ['of none', [funded, broke], false, null],
])(
  'the owner is told of the silence of a network %s only where it is needed',
  (_what, lines, isChosen, told) => {
    expect(tellOfSilence(lines, isChosen)).toEqual(
      told === null ? null : { say: `No RPC answers for ${told}.` },
    );
  },
);
