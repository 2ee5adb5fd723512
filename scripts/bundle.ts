import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type Metafile, type OutputFile, type Plugin } from 'esbuild';

/** What is installed beside the bundle, as it holds compiled binaries; all else is inside. */
const EXTERNAL = ['better-sqlite3', '@napi-rs/keyring'];

/** Messages of zod are worded by us; its forty translations would be half of what a server loads to start. */
const oneLocale: Plugin = {
  name: 'one-locale',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** The files of a bundle, and what went into each. */
export interface Bundle {
  readonly metafile: Metafile;
  readonly outputFiles: readonly OutputFile[];
}

/** Bundles `src/main.ts` into `dist/` and answers what went into it. Throws as {@link makeBundle} does. */
export async function bundle(root: string): Promise<Metafile> {
  const { metafile, outputFiles } = await makeBundle(root);
  replaceFiles(join(root, 'dist'), outputFiles);
  return metafile;
}

/**
 * Bundles `src/main.ts`, a chunk for each part that is loaded on use; nothing is written.
 * Throws where anything cannot be resolved: a warning here would be a crash on somebody's machine.
 */
export async function makeBundle(root: string): Promise<Bundle> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { metafile, outputFiles, warnings } = await build({
    write: false,
    absWorkingDir: root,
    entryPoints: { main: 'src/main.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.14',
    // jsonc-parser's `main` is a kind of module that no bundler follows.
    mainFields: ['module', 'main'],
    external: EXTERNAL,
    alias: { '@modelcontextprotocol/server/_shims': './src/mcp/sdkPlatform.ts' },
    plugins: [oneLocale],
    define: { PURSER_VERSION: JSON.stringify(version) },
    // CommonJS inside the bundle asks for Node's own modules by `require`.
    banner: {
      js: "import{createRequire as purserRequire}from'node:module';const require=purserRequire(import.meta.url);",
    },
    // Names stay, so that a stack trace in a bug report can be read.
    minifySyntax: true,
    minifyWhitespace: true,
    // Collected in one file instead, whole: licences.ts.
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error(`The bundle has ${warnings.length} warnings.`);
  return { metafile, outputFiles };
}

/**
 * Puts the files where others may be running from: chunks, whose names hold their hash, before what names them, each
 * whole or not at all, and what is left over of an older build goes last.
 */
function replaceFiles(folder: string, files: readonly OutputFile[]): void {
  mkdirSync(folder, { recursive: true });
  const isEntry = ({ path }: OutputFile): boolean => basename(path) === 'main.js';
  const ordered = [...files].sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)));
  for (const { path, contents } of ordered) {
    const part = `${path}.${process.pid}.part`;
    writeFileSync(part, contents);
    renameSync(part, path);
  }
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.js') && !names.has(name)) rmSync(join(folder, name), { force: true });
  }
}
