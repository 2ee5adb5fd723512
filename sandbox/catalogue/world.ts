import { Draw } from './draw.ts';
import type { SellerEndpoint } from './sellers.ts';
import { RIVALS } from './rivals.ts';
import { SELLERS } from './sellers.ts';
import { ENDINGS, FIELDS, QUALITIES, SUBJECTS, SYLLABLES, TAILS, THINGS, VERBS } from './themes.ts';

/** An endpoint of the made-up world, before any catalogue words it its own way. */
export interface WorldEndpoint extends SellerEndpoint {
  readonly payTo: `0x${string}`;
  readonly calls30d: number;
  readonly payers30d: number;
  readonly listedSec: number;
}

/** How many of the crowd's endpoints one host has. */
const PER_HOST_MAX = 12;
/** 1 November 2026: what the catalogues are dated around. */
const LISTED_SEC = 1_793_491_200;
const YEAR_SEC = 31_536_000;

/** Draws a world of `count` endpoints: forty with a purpose of their own, as many rivals, and a crowd around them. */
export function drawWorld(seed: number, count: number): WorldEndpoint[] {
  const draw = new Draw(seed);
  const endpoints = [...SELLERS, ...RIVALS].slice(0, count).map((endpoint) => ({
    ...endpoint,
    ...circumstances(draw, true),
  }));
  while (endpoints.length < count) {
    const host = drawHost(draw);
    const { payTo } = circumstances(draw, false);
    const wanted = Math.min(1 + draw.below(PER_HOST_MAX), count - endpoints.length);
    for (let index = 0; index < wanted; index += 1) {
      endpoints.push({ ...drawEndpoint(draw, host, index), ...circumstances(draw, false), payTo });
    }
  }
  // Mixed, so that no page of a catalogue is all crowd or all purpose.
  for (let last = endpoints.length - 1; last > 0; last -= 1) {
    const other = draw.below(last + 1);
    const [a, b] = [endpoints[last], endpoints[other]];
    if (a !== undefined && b !== undefined) [endpoints[last], endpoints[other]] = [b, a];
  }
  return endpoints;
}

function circumstances(draw: Draw, used: boolean) {
  const calls30d = used ? 50 + draw.below(5_000) : Math.floor(10 ** (draw.share() * 4)) - 1;
  return {
    payTo: `0x${draw.hex(20)}` as const,
    calls30d,
    payers30d: Math.floor(calls30d / (2 + draw.below(20))),
    listedSec: LISTED_SEC - draw.below(YEAR_SEC),
  };
}

function drawHost(draw: Draw): string {
  const name = Array.from({ length: 2 + draw.below(2) }, () => draw.of(SYLLABLES)).join('');
  return `${draw.chance(0.4) ? 'api.' : ''}${name}${draw.below(1000)}${draw.of(ENDINGS)}`;
}

function drawEndpoint(draw: Draw, host: string, index: number): SellerEndpoint {
  const [subject, thing, quality] = [draw.of(SUBJECTS), draw.of(THINGS), draw.of(QUALITIES)];
  const method = draw.chance(0.4) ? 'POST' : 'GET';
  const slug = `${subject}-${thing}`.toLowerCase().replaceAll(' ', '-');
  const fields = Array.from({ length: 1 + draw.below(3) }, () => draw.of(FIELDS));
  return {
    id: `${host}/${index}`,
    method,
    url: `https://${host}/v${1 + draw.below(3)}/${slug}${index === 0 ? '' : `-${index}`}`,
    usd: draw.of(['0.0005', '0.001', '0.002', '0.005', '0.01', '0.02', '0.05', '0.1', '0.25', '1']),
    title: `${quality} ${subject} ${thing}`,
    about: `${draw.of(VERBS)} ${subject} ${thing} and ${draw.of(SUBJECTS)} ${draw.of(THINGS)} ${draw.of(TAILS)}`,
    tags: [subject.toLowerCase(), thing],
    fields: [...new Set(fields)].map((field, at) => (at === 0 ? `${field}!` : field)),
  };
}
