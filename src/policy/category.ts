import { namesOf } from './host.js';

/**
 * The owner's category of a place, or null where the owner gave it none. An entry for one `host:port` beats one for its
 * host. No catalogue has a say: a cap must not be left by what a seller calls itself (T17).
 */
export function categoryOf(
  hostsByCategory: ReadonlyMap<string, readonly string[]>,
  hostPort: string,
): string | null {
  const [host, exact] = namesOf(hostPort);
  for (const name of [exact, host])
    for (const [category, hosts] of hostsByCategory) if (hosts.includes(name)) return category;
  return null;
}
