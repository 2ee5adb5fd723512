/** A company, a department, a team, a project, a task and its parts: more is a mistake. */
export const BUDGET_DEPTH_MAX = 6;

/** A budget and those above it, from the lowest up; null where one is part of itself, or the tree too deep. */
export function budgetChain(parents: ReadonlyMap<string, string>, name: string): string[] | null {
  const chain: string[] = [];
  for (let next: string | undefined = name; next !== undefined; next = parents.get(next)) {
    if (chain.length === BUDGET_DEPTH_MAX) return null;
    chain.push(next);
  }
  return chain;
}
