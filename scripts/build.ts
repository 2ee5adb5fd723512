// Builds what is published: dist/, from src/main.ts, and the licences of all that is in it.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';
import { collectLicences } from './licences.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const metafile = await bundle(root);
writeFileSync(join(root, 'dist', 'THIRD_PARTY_LICENSES.txt'), collectLicences(root, metafile));
