import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('every place that the code cites in docs/design.md is a heading there', () => {
  const headings = [...readFileSync('docs/design.md', 'utf8').matchAll(/^## (.+)$/gm)].map(
    ([, name]) => name,
  );
  const cited = globSync('{src,test,sandbox}/**/*.ts').flatMap((file) =>
    // A citation may be broken over two lines of a comment.
    [
      ...readFileSync(file, 'utf8')
        .replaceAll(/\n\s*(\*|\/\/) /g, ' ')
        .matchAll(/docs\/design\.md, "([^"]+)"/g),
    ].map(([, name]) => ({ file, name })),
  );
  expect(cited.length).toBeGreaterThan(10);
  expect(cited.filter(({ name }) => !headings.includes(name))).toEqual([]);
});
