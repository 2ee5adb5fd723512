// Serves a catalogue until its standard input ends; prints the URL of its list. For measurements that must not count
// the catalogue's own memory.
import { startCatalogue } from './catalogue.ts';

const catalogue = await startCatalogue({ count: Number(process.argv[2] ?? 20_000) });
process.stdout.write(`${catalogue.listUrl}\n`);
process.stdin.resume();
process.stdin.on('end', () => void catalogue.stop());
