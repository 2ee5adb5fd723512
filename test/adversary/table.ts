import { AHEAD_ATTACKS } from './roles/ahead.ts';
import { BODY_ATTACKS } from './roles/bodies.ts';
import { CONTROLS as SHAPES } from './roles/honest.ts';
import { OFFER_ATTACKS } from './roles/offers.ts';
import { PERMIT2_ATTACKS, PERMIT2_CONTROL } from './roles/permit2.ts';
import { BOUGHT_ATTACKS, PAID_SERVER_ATTACKS } from './roles/paidServers.ts';
import { PLACE_ATTACKS } from './roles/places.ts';
import { PRICE_ATTACKS } from './roles/prices.ts';
import { SIGNING_ATTACKS } from './roles/signing.ts';
import { SOLANA_ATTACKS } from './roles/solana.ts';
import { TERMS_ATTACKS } from './roles/terms.ts';
import { WORD_ATTACKS } from './roles/words.ts';
import type { Attack, Control } from './role.ts';

/** Every honest shape. */
export const CONTROLS: readonly Control[] = [...SHAPES, PERMIT2_CONTROL];

/** Every attack, by its threat. */
export const ATTACKS: readonly Attack[] = [
  ...OFFER_ATTACKS,
  ...SIGNING_ATTACKS,
  ...TERMS_ATTACKS,
  ...PRICE_ATTACKS,
  ...PLACE_ATTACKS,
  ...BODY_ATTACKS,
  ...WORD_ATTACKS,
  ...SOLANA_ATTACKS,
  ...PERMIT2_ATTACKS,
  ...AHEAD_ATTACKS,
  ...BOUGHT_ATTACKS,
  ...PAID_SERVER_ATTACKS,
].sort((a, b) => Number(a.threat.slice(1)) - Number(b.threat.slice(1)));
