import { html, raw } from 'hono/html';
import encodeQr from 'qr';
import type { Html } from './layout.js';

/** Light modules around it, as the standard asks for. */
const QUIET_MODULES = 4;
/** An address, and never a text that a seller chose. */
const TEXT = /^[A-Za-z0-9]{1,100}$/;

/** An address as a QR code, drawn where it stands: black on white in a dark page too, which is what cameras read. */
export function viewQrCode(address: string): Html {
  if (!TEXT.test(address)) throw new TypeError('Only an address is drawn.');
  // The lowest correction of errors: a screen is not torn or stained.
  const rows = encodeQr(address, 'raw', { ecc: 'low', border: QUIET_MODULES });
  const lines = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  const size = rows.length;
  return html`<svg
    class="qr"
    viewBox="0 0 ${size} ${size}"
    role="img"
    aria-label="QR code of ${address}"
    shape-rendering="crispEdges"
  >
    <path fill="#fff" d="M0 0h${size}v${size}h-${size}z" />
    ${raw(`<path fill="#000" d="${lines.join('')}" />`)}
  </svg>`;
}
