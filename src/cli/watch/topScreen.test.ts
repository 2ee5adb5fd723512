import { expect, test } from 'vitest';
import type { UsdMicros } from '../../money/unit.js';
import type { EntryView } from '../../wallet/ledgerView.js';
import type { ReportGroup } from '../../ledger/books/report.js';
import { layTop, type TopView } from './topScreen.js';

const NOW = Date.UTC(2026, 10, 20, 12);
const usd = (micros: bigint): UsdMicros => micros as UsdMicros;
const plain = (_look: string, text: string): string => text;

const group = (name: string, captured: bigint, lost = 0n): ReportGroup => ({
  ...{
    key: name,
    payments: 3,
    delivered: 3,
    lost: 0,
    firstMs: NOW,
    capturedUsdMicros: usd(captured),
    heldUsdMicros: usd(0n),
  },
  ...{ lostUsdMicros: usd(lost), lastMs: NOW },
});

const entry = (host: string): EntryView =>
  ({
    ...{
      kind: 'payment',
      time: new Date(NOW).toISOString(),
      usd: '0.01',
      state: 'captured',
      confirmed: true,
    },
    ...{ host, url: `https://${host}/v1/search`, agent: 'default' },
  }) as EntryView;

const view = (more: Partial<TopView> = {}): TopView => ({
  ...{ home: '~/.purser', nowMs: NOW, frozen: false, balances: null, waiting: 0, shut: null },
  ...{ openLine: 'purser open', fundLine: 'purser fund', unseen: null, noticesLine: 'purser notices' },
  windows: [{ name: '24 hours', usedUsdMicros: usd(1_250_000n), maxUsdMicros: usd(5_000_000n) }],
  ...{ agents: [group('default', 1_250_000n)], sellers: [group('api.example.com', 1_250_000n)] },
  payments: Array.from({ length: 100 }, (_, i) => entry(`host${i}.example`)),
  ...more,
});

const SIZES = [24, 12, 8, 50].map((height) => ({ width: 80, height }));

test.each(SIZES)('fits a terminal of $width by $height', (size) => {
  const lines = layTop(view({ waiting: 2 }), size, plain);
  expect(lines.length).toBeLessThanOrEqual(size.height);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(size.width);
  expect(lines.at(-1)).toContain('q ends');
});

test('says the newest notice that nobody saw, and how many there are', () => {
  const unseen = { count: 3, newest: '80 % of limits.per_day_usd is used: $4.00 of $5.00.' };
  const text = layTop(view({ unseen }), { width: 120, height: 30 }, plain).join('\n');
  expect(text).toContain('80 % of limits.per_day_usd is used: $4.00 of $5.00. (3 notices: purser notices)');
});

test('shows what is used of each limit, and what waits', () => {
  const text = layTop(view({ waiting: 1 }), { width: 80, height: 40 }, plain).join('\n');
  expect(text).toContain('██████░░░░░░░░░░░░░░░░░░  $1.25 of $5.00 without asking');
  expect(text).toContain('1 question waits for you');
  expect(text).toContain('host0.example/v1/search');
});

test('a column of what was lost stands only where something was', () => {
  const size = { width: 100, height: 40 };
  expect(layTop(view(), size, plain).join('\n')).not.toContain('LOST');
  const lossy = view({ sellers: [group('bad.example', 0n, 70_000n)] });
  expect(layTop(lossy, size, plain).join('\n')).toMatch(/SELLER.*LOST/);
});

test('a locked wallet is said, and a frozen one', () => {
  const text = layTop(view({ shut: 'The keychain is locked.', frozen: true }), SIZES[0]!, plain).join('\n');
  expect(text).toContain('Money not looked at: The keychain is locked.');
  expect(text).toContain('FROZEN');
});

test('what a seller is called steers no terminal', () => {
  const lines = layTop(view({ payments: [entry('a\u001b[31m.example')] }), { width: 80, height: 30 }, plain);
  expect(lines.join('')).not.toContain('\u001b');
});
