import type { FileFormat } from '../client.js';
import type { Format } from './format.js';

/** The format of a kind of file, loaded on use. */
export async function formatOf(kind: FileFormat): Promise<Format> {
  switch (kind) {
    case 'toml':
      return (await import('./tomlText.js')).tomlText;
    case 'yaml':
      return (await import('./yamlText.js')).yamlText;
    default:
      return (await import('./jsonText.js')).jsonText(kind);
  }
}
