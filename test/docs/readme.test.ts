import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What a person reads in one go; what is longer belongs to docs/. */
const README_BYTES_MAX = 12_288;
/** A picture that loads at once where the README is read. */
const PICTURE_BYTES_MAX = 120_000;

const readme = readFileSync('README.md', 'utf8');

it('the README stays within its size', () => {
  expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(README_BYTES_MAX);
});

it('every picture and page that it leads to is there, and each picture is small and has words', () => {
  const links = [...readme.matchAll(/(!?)\[([^\]]*)\]\((?!https?:)([^)#]+)[^)]*\)/g)];
  expect(links.length).toBeGreaterThan(10);
  for (const [, mark, words = '', path = ''] of links) {
    expect(existsSync(path), path).toBe(true);
    if (mark !== '!') continue;
    expect(words.length, path).toBeGreaterThan(10);
    expect(readFileSync(path).length, path).toBeLessThanOrEqual(PICTURE_BYTES_MAX);
  }
});

it('a person can copy an entry for any client, and a line for Claude Code and Codex', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(JSON.parse(json)).toEqual({
    mcpServers: { purser: { command: 'npx', args: ['-y', 'purser-mcp'] } },
  });
  for (const line of [/^claude mcp add .*-- npx -y purser-mcp$/m, /^codex mcp add .*-- npx -y purser-mcp$/m])
    expect(readme).toMatch(line);
  for (const link of [/\[Add to Cursor\]\(https:/, /\[Add to VS Code\]\(https:/])
    expect(readme).toMatch(link);
});
