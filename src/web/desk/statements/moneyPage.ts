import { html } from 'hono/html';
import { balance, change, lineWords, STATEMENT_FILES } from '../../../cli/ledger/statementFile.js';
import { localMinute, zoneName } from '../../../text/localTime.js';
import { findNetwork } from '../../../money/network.js';
import { cleanLine } from '../../../text/untrusted.js';
import type { AccountStatement } from '../../../treasury/statement/statement.js';
import type { StatementLine } from '../../../treasury/statement/statementLine.js';
import { monthName, monthOf, type Statement } from '../../../treasury/statement/readStatement.js';
import { layPage, type Html } from '../../look/layout.js';
import { exportWord } from '../exportWord.js';
import { viewTime } from '../when.js';
import type { Shell } from '../shell.js';

/** Months that are a link away. */
const MONTHS_SHOWN = 6;
/** A host or an address is a line; what is longer is cut. */
const OTHER_CHARS_MAX = 120;

/** What the page of money shows. */
export interface MoneyParts {
  readonly month: string;
  readonly statement: Statement;
  /** Why a network was not read to its end. */
  readonly notes: readonly string[];
  readonly nowMs: number;
}

/** Money that came, went and moved in a month, as a statement that adds up. It is printed as it stands. */
export function viewMoney({ month, statement, notes, nowMs }: MoneyParts, shell: Shell): Html {
  const { visit } = shell;
  return layPage({
    ...shell,
    title: `Purser: statement of ${month}`,
    main: html`<section class="sheet">
      <h1>Statement of ${month}</h1>
      <p class="links">
        ${monthsBack(nowMs).map((one) =>
          one === month
            ? html`<b aria-current="true">${one}</b>`
            : html`<a href="${visit.base}/money?month=${one}">${one}</a>`,
        )}
      </p>
      ${notes.map((note) => html`<p class="notice">${note}</p>`)}
      ${
        statement.accounts.length === 0
          ? html`<p class="soft">Nothing came or went in this month.</p>`
          : statement.accounts.map(viewAccount)
      }
      <p class="links">
        ${Object.keys(STATEMENT_FILES).map(
          (kind) => html`<a href="${visit.base}/money/${kind}?month=${month}">As ${exportWord(kind)}</a>`,
        )}
      </p>
    </section>`,
  });
}

/** The month of a query, this one where it names none. */
export function monthIn(query: string | undefined, nowMs: number): string {
  return query !== undefined && monthOf(query) !== null ? query : monthName(nowMs);
}

function monthsBack(nowMs: number): string[] {
  const now = new Date(nowMs);
  return Array.from({ length: MONTHS_SHOWN }, (_, i) =>
    monthName(new Date(now.getFullYear(), now.getMonth() - i, 1).getTime()),
  );
}

function viewAccount(account: AccountStatement): Html {
  const { label, symbol, decimals, openingAtomic, closingAtomic, lines, notes, fromMs, toMs } = account;
  const explorer = findNetwork(account.network)?.explorerTx;
  return html`<h2>${label}, ${symbol}</h2>
    <ul class="rows statement">
      <li>
        <b>Opening balance</b>
        <b>${balance(openingAtomic, decimals)}</b>
        <span class="soft">${viewTime(fromMs)}</span>
        <span></span>
      </li>
      ${lines.map((line) => viewLine(line, decimals, explorer))}
      <li>
        <b>Closing balance</b>
        <b>${balance(closingAtomic, decimals)}</b>
        <span class="soft">${viewTime(toMs)}</span>
        <span></span>
      </li>
    </ul>
    ${notes.map((note) => html`<p class="soft">${note}</p>`)}`;
}

function viewLine(line: StatementLine, decimals: number, explorer: string | undefined): Html {
  const words = cleanLine(lineWords({ ...line, other: cleanLine(line.other, OTHER_CHARS_MAX) }), 300);
  const isOdd = line.kind === 'not_explained';
  return html`<li>
    <span class="${isOdd ? 'warn' : ''}">${words[0]?.toUpperCase()}${words.slice(1)}</span>
    <b
      >${line.kind === 'move' ? `(${balance(line.amountAtomic, decimals)})` : change(line.changeAtomic, decimals)}</b
    >
    <span class="soft"
      >${viewTime(line.atMs)}${line.agent === null ? '' : `, agent ${line.agent}`}${
        line.tx === null || explorer === undefined
          ? ''
          : html`,
              <a href="${explorer}${encodeURIComponent(line.tx)}" rel="noreferrer noopener" target="_blank"
                >transaction</a
              >`
      }</span
    >
    <span></span>
  </li>`;
}

/** How times of a statement are worded. */
export function sayTime(ms: number): string {
  return `${localMinute(new Date(ms).toISOString())} ${zoneName()}`;
}
