import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page as Tab } from 'playwright-core';
import { expect } from 'vitest';
import { keepPicture } from './owner.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * The narrowest that WCAG 1.4.10 asks for, a phone held upright, a tablet, a desktop, and the widest one. The page is laid out
 * anew between the second and the third, and between the third and the fourth.
 */
const WIDTHS = [320, 400, 800, 1280, 2560];

/**
 * What axe-core looks at: all of its rules at each width, and the one rule that sees colours in both colours of each layout. To
 * every other rule the page is the same.
 */
const COLOUR_RULE = 'color-contrast';
const LOOKS: readonly (readonly [width: number, colours: 'light' | 'dark', rule?: string])[] = [
  [320, 'light'],
  [400, 'dark'],
  [1280, 'dark'],
  [1280, 'light', COLOUR_RULE],
];

/**
 * What is right is neither described nor handed over: to do that for each element of a page costs several times what it takes
 * to find what is wrong.
 */
const VIOLATIONS: RunOptions = { resultTypes: ['violations'] };

/**
 * Each rule of axe-core in both colours, and no sideways scrolling at any width, on the page that is meant: an error's page
 * must not pass for the one that was asked for. A failure says what was found, by rule and place.
 */
export async function look(tab: Tab, name: string, heading: string | RegExp): Promise<void> {
  await expect
    .poll(() => tab.locator('h1').allInnerTexts())
    .toEqual([typeof heading === 'string' ? heading : expect.stringMatching(heading)]);
  // Buttons take no click at first, and what cannot be clicked is not looked at.
  await expect.poll(() => tab.locator('button[aria-disabled]').count()).toBe(0);
  await tab.evaluate(AXE);
  for (const width of WIDTHS) {
    await tab.setViewportSize({ width, height: 800 });
    const over = await tab.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(over, `${name}, ${width}`).toBeLessThanOrEqual(0);
    for (const [, colorScheme, rule] of LOOKS.filter(([at]) => at === width)) {
      await tab.emulateMedia({ colorScheme });
      await keepPicture(tab, `access/${name}-${colorScheme}-${width}`);
      const options = { ...VIOLATIONS, ...(rule === undefined ? {} : { runOnly: [rule] }) };
      const violations = await tab.evaluate<AxeResults['violations']>(
        `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`,
      );
      const found = violations.flatMap(({ id, help, nodes }) =>
        nodes.map(
          ({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary ?? ''}`,
        ),
      );
      expect(found, `${name}, ${colorScheme}, ${width}`).toEqual([]);
    }
  }
}
