// Draws docs/approval.png and docs/desk.png, the pictures in README.md, of the real pages in a real browser: with a made-up
// question, and over a ledger of made-up payments.
import { fileURLToPath } from 'node:url';
import type { Page as Tab } from 'playwright-core';
import { addAgent, captured, T0 } from '../src/ledger/sqlite/fixtures.js';
import { startDeskOwner } from '../test/web/deskOwner.js';
import { freshQuestion, goTo, passphraseFactor, startBrowser, startOwner } from '../test/web/owner.js';

/** As wide as a README is shown, with nothing of the ground beside the sheet. */
const WIDTH = 720;
const DESK_WIDTH = 960;
const DAY_MS = 24 * 3600 * 1000;
const DAYS = 30;

/** What agents are made to buy: the seller, the price in micro-dollars, and on every how many-th day. */
const HABITS = [
  ['news.example.com', 10_000n, 1],
  ['search.example.com', 20_000n, 1],
  ['images.example.com', 80_000n, 3],
  ['video.example.com', 450_000n, 7],
] as const;

await using browser = await startBrowser();
const tab = await browser.context.newPage();
await drawApproval(tab);
await drawDesk(tab);

async function drawApproval(page: Tab): Promise<void> {
  await using owner = await startOwner();
  owner.inbox.factorRecords.push(await passphraseFactor());
  owner.inbox.ask(freshQuestion());
  await page.setViewportSize({ width: WIDTH, height: WIDTH });
  await goTo(page, owner.page.ticket('').url);
  await page.getByRole('button', { name: 'Approve $0.75' }).waitFor();
  // The script lets no button be pressed in the first moment, and draws it so.
  await page.locator('button[aria-disabled]').first().waitFor({ state: 'detached' });
  const height = await page
    .getByRole('button', { name: 'Decline', exact: true })
    .evaluate((button) => Math.ceil(button.getBoundingClientRect().bottom) + 24);
  await keep(page, 'approval', { width: WIDTH, height });
}

async function drawDesk(page: Tab): Promise<void> {
  await using owner = await startDeskOwner(
    async (ledger) => {
      await addAgent(ledger, 'studio', 1);
      for (let day = DAYS - 1; day >= 0; day--) {
        for (const [host, heldUsdMicros, every] of HABITS) {
          if (day % every !== 0) continue;
          for (let call = 0; call <= (day * 7) % 5; call++) {
            const nowMs = T0 + (DAYS - 1 - day) * DAY_MS + call * 60_000;
            const agent = heldUsdMicros > 50_000n ? 'studio' : 'default';
            await captured(
              ledger,
              { host, heldUsdMicros, nowMs, agent },
              { confirmed: true, chainMs: nowMs },
            );
          }
        }
      }
    },
    T0 + (DAYS - 1) * DAY_MS + 3_600_000,
  );
  await page.setViewportSize({ width: DESK_WIDTH, height: DESK_WIDTH });
  await goTo(page, owner.page.ticket('/home').url);
  await page.getByText('to spend').first().waitFor();
  await keep(page, 'desk', { width: DESK_WIDTH, height: 880 });
}

async function keep(page: Tab, name: string, size: { width: number; height: number }): Promise<void> {
  const path = fileURLToPath(new URL(`../docs/${name}.png`, import.meta.url));
  await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, ...size } });
  process.stdout.write(`${path}\n`);
}
