import type { HeaderList } from '../../payment/challenge.js';

/** Headers by which sellers tell what is left of a prepaid balance, and what each counts; null where nobody says. */
const BALANCE_HEADERS: Readonly<Record<string, string | null>> = {
  'x-balance-remaining': null,
  'x-credits-remaining': 'credits',
  'x-credits-remaining-usd': 'usd',
};

const AMOUNT = /^\d{1,18}(?:\.\d{1,18})?$/;

/** What a seller says is left of a prepaid balance: its own word. */
export interface ToldBalance {
  /** A plain decimal number. */
  readonly left: string;
  readonly unit: string | null;
  readonly isUsedUp: boolean;
}

/** The balance that an answer tells, or null. A header that is no plain number tells none. */
export function readBalance(headers: HeaderList): ToldBalance | null {
  for (const [name, unit] of Object.entries(BALANCE_HEADERS)) {
    const text = headers.find(([other]) => other === name)?.[1].trim();
    if (text !== undefined && AMOUNT.test(text)) return { left: text, unit, isUsedUp: !/[1-9]/.test(text) };
  }
  return null;
}
