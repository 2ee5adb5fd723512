// Draws docs/approval.png, the picture in README.md, of the real page in a real browser with a made-up question.
import { fileURLToPath } from 'node:url';
import { freshQuestion, goTo, passphraseFactor, startBrowser, startOwner } from '../test/web/owner.js';

/** As wide as a README is shown, with nothing of the ground beside the sheet. */
const WIDTH = 720;

const picture = fileURLToPath(new URL('../docs/approval.png', import.meta.url));

await using owner = await startOwner();
owner.inbox.factorRecords.push(await passphraseFactor());
owner.inbox.ask(freshQuestion());
await using browser = await startBrowser();
const tab = await browser.context.newPage();
await tab.setViewportSize({ width: WIDTH, height: WIDTH });
await goTo(tab, owner.page.ticket('').url);
await tab.getByRole('button', { name: 'Approve $0.75' }).waitFor();
// The script lets no button be pressed in the first moment, and draws it so.
await tab.locator('button[aria-disabled]').first().waitFor({ state: 'detached' });
const height = await tab
  .getByRole('button', { name: 'Decline', exact: true })
  .evaluate((button) => Math.ceil(button.getBoundingClientRect().bottom) + 24);
await tab.screenshot({ path: picture, fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } });
process.stdout.write(`${picture}\n`);
