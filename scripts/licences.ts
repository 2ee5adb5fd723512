import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

const PACKAGE_FOLDER = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
/** How a package says, in its own bundle, that code of another follows. */
const BUNDLED_WITHIN = /^\/\/#region \S*\/node_modules\/((?:@[^/]+\/)?[^/@\s]+)\/\S*$/gm;
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** The licences of everything in a bundle, as one text. Throws where a package comes without its own. */
export function collectLicences(root: string, metafile: Metafile): string {
  const inputs = bundledInputs(metafile);
  const folders = inputs.flatMap((path) => PACKAGE_FOLDER.exec(path)?.[1] ?? []);
  const within = inputs
    .filter((path) => path.includes('node_modules/'))
    .flatMap((path) => [...readFileSync(join(root, path), 'utf8').matchAll(BUNDLED_WITHIN)])
    .map(([, name = '']) => `node_modules/${name}`);
  const texts = [...new Set([...folders, ...within])].sort().map((folder) => licenceOf(root, folder));
  return `The files beside this one contain:\n\n${[...new Set(texts)].join('\n')}`;
}

function bundledInputs(metafile: Metafile): string[] {
  const used = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
  return [...new Set(used)];
}

function licenceOf(root: string, folder: string): string {
  const path = join(root, folder);
  const files = existsSync(path) ? readdirSync(path).filter((name) => LICENCE_FILE.test(name)) : [];
  const told = files.length === 0 ? licenceInReadme(path) : null;
  if (files.length === 0 && told === null)
    throw new Error(`No licence is found for ${folder}, which is in the bundle.`);
  const { name, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
    name: string;
    license?: string;
  };
  const texts =
    told === null ? files.sort().map((file) => readFileSync(join(path, file), 'utf8').trim()) : [told];
  const rule = '='.repeat(80);
  return `${rule}\n${name} (${license ?? 'licence below'})\n${rule}\n\n${texts.join('\n\n')}\n`;
}

/** The licence that a package without a file for it tells whole in its README, under a heading of that name; or null. */
function licenceInReadme(path: string): string | null {
  const file = join(path, 'README.md');
  const readme = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const text = /^#+ licen[cs]e\s*$([\s\S]*)/im.exec(readme)?.[1]?.trim() ?? '';
  return /Permission is hereby granted/.test(text) ? text : null;
}
