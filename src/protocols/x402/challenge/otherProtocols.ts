import type { HeaderList, OtherProtocol } from '../../../payment/challenge.js';
import { headerValues } from '../header.js';

/** LSAT is the name L402 had before 2023; servers still send it, or both. */
const PROTOCOL_BY_SCHEME = new Map<string, OtherProtocol>([
  ['payment', 'mpp'],
  ['l402', 'l402'],
  ['lsat', 'l402'],
]);

/**
 * Names the payment protocols beside x402 that a 402 offers in `WWW-Authenticate`, each once, in order.
 *
 * One value can carry several challenges, joined by commas, with their parameters parted by commas or blanks
 * (RFC 9110, 11.6.1): a challenge begins where the first word after a comma is not a parameter.
 */
export function readOtherProtocols(headers: HeaderList): OtherProtocol[] {
  const named = new Set<OtherProtocol>();
  for (const value of headerValues(headers, 'www-authenticate')) {
    for (const part of withoutQuotedStrings(value).split(',')) {
      const word = part.trim().split(/\s/, 1)[0] ?? '';
      const protocol = PROTOCOL_BY_SCHEME.get(word.toLowerCase());
      if (protocol !== undefined) named.add(protocol);
    }
  }
  return [...named];
}

function withoutQuotedStrings(value: string): string {
  const unescaped = value.replace(/\\./gs, '');
  return unescaped
    .split('"')
    .filter((_, index) => index % 2 === 0)
    .join('');
}
