import { expect, test } from 'vitest';
import { captured, newLedger, T0 } from '../../../ledger/sqlite/fixtures.js';
import { exportRows, type ExportKind } from './export.js';

// T27, T43: an agent's reason and a seller's host reach a spreadsheet and books of account as text alone.
test('an export runs nothing and begins no entry, whatever a reason or a host says', async () => {
  const { ledger } = newLedger();
  const hostile = [
    '=HYPERLINK("http://evil.example")',
    '\u2212cmd',
    ' @x',
    '"\n2026-01-01 open Assets:Evil\n; "',
  ];
  for (const [n, reason] of hostile.entries())
    await captured(ledger, { nowMs: T0 + n, reason, host: 'a"b\n2026-01-01.example' }, { confirmed: true });
  const written = async (kind: ExportKind): Promise<string> => {
    let text = '';
    for await (const piece of exportRows(ledger, {}, kind)) text += piece;
    return text;
  };
  const csv = await written('csv');
  expect(csv).not.toMatch(/(?:^|,|\n)"?\s*[=+\-@\u2212]/);
  expect(csv).toContain(`"'=HYPERLINK(""http://evil.example"")"`);
  const books = (await written('beancount')).split('\n');
  const entries = books.filter((line) => /^\d/.test(line));
  expect(entries).toHaveLength(hostile.length);
  for (const entry of entries) expect(entry).toMatch(/^\d{4}-\d\d-\d\d \* "[^"]*" "[^"]*"$/);
  expect(books.filter((line) => !/^(?:$|;|\d| {2})/.test(line))).toEqual([]);
  expect(JSON.parse(await written('json'))).toHaveLength(hostile.length);
});
