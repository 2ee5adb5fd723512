import { html, raw } from 'hono/html';
import QRCode from 'qrcode-terminal/vendor/QRCode/index.js';
import type { Html } from './layout.js';

/** The lowest correction of errors: a screen is not torn or stained. */
const LEVEL_L = 1;
/** Light modules around it, as the standard asks for. */
const QUIET_MODULES = 4;
/** An address, and never a text that a seller chose. */
const TEXT = /^[A-Za-z0-9]{1,100}$/;

/** An address as a QR code, drawn where it stands: black on white in a dark page too, which is what cameras read. */
export function viewQrCode(address: string): Html {
  if (!TEXT.test(address)) throw new TypeError('Only an address is drawn.');
  const code = new QRCode(-1, LEVEL_L);
  code.addData(address);
  code.make();
  const count = code.getModuleCount();
  const lines: string[] = [];
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (code.isDark(row, column)) lines.push(`M${column + QUIET_MODULES} ${row + QUIET_MODULES}h1v1h-1z`);
    }
  }
  const size = count + 2 * QUIET_MODULES;
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
