// Draws docs/demo.svg, the picture in README.md, from what a real run of the demo writes.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Steps of the demo that show what an agent does; making the wallet and the last tables are left out. */
const FIRST_STEP = 2;
const LAST_STEP = 5;
/** A longer line is cut: the picture is looked at, not copied from. */
const COLUMNS = 104;
const CHAR_WIDTH = 7.8;
const LINE_HEIGHT = 19;
const MARGIN = 18;

const program = fileURLToPath(new URL('demo.ts', import.meta.url));
const picture = fileURLToPath(new URL('../docs/demo.svg', import.meta.url));

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The lines of the chosen steps, and the last, in which ledger and chain agree. */
function choose(output: string): string[] {
  const lines = output.split('\n');
  const from = lines.findIndex((text) => text.startsWith(`${FIRST_STEP}. `));
  const to = lines.findIndex((text) => text.startsWith(`${LAST_STEP + 1}. `));
  const end = lines.find((text) => text.startsWith('Ledger and chain agree'));
  if (from === -1 || to === -1 || end === undefined) throw new Error('The demo did not end as it should.');
  return [...lines.slice(from, to), end].map((text) =>
    text.length > COLUMNS ? `${text.slice(0, COLUMNS - 1)}…` : text,
  );
}

function colourOf(text: string): string {
  if (/^\d\. |^Ledger and/.test(text)) return '#ffffff';
  if (/^ +→/.test(text)) return '#7cb7f5';
  if (/^ +← (Paid|The call costs)/.test(text)) return '#7fd3a0';
  return /^ +←/.test(text) ? '#f3d98a' : '#a5adb5';
}

function draw(lines: readonly string[]): string {
  const width = Math.ceil(COLUMNS * CHAR_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const rows = lines.map((text, i) => {
    const weight = /^\d\. |^Ledger and/.test(text) ? ' font-weight="700"' : '';
    const y = MARGIN + (i + 1) * LINE_HEIGHT - 5;
    return `<text x="${MARGIN}" y="${y}" fill="${colourOf(text)}"${weight} xml:space="preserve">${escape(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run of the demo: an agent finds an API, asks its price, pays, is refused above the ceiling, and pays once though an answer gets lost">
<rect width="100%" height="100%" rx="10" fill="#131517"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">
${rows.join('\n')}
</g>
</svg>
`;
}

const { stdout } = await promisify(execFile)(process.execPath, [program], {
  env: { ...process.env, NO_COLOR: '1' },
});
writeFileSync(picture, draw(choose(stdout)));
