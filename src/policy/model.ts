import type { UsdMicros } from '../money/unit.js';

/** A bound on the price of one call, under the key that set it. */
export interface CallCap {
  readonly name: string;
  readonly usdMicrosMax: UsdMicros;
}

/** The owner's cap on a call of this model, the lowest of those whose pattern it fits; undefined for none. */
export function modelCap(caps: ReadonlyMap<string, UsdMicros>, model: string): CallCap | undefined {
  const fitting = [...caps].filter(([pattern]) => fits(pattern, model.toLowerCase()));
  const [lowest] = fitting.sort(([, one], [, other]) => (one < other ? -1 : one > other ? 1 : 0));
  if (lowest === undefined) return undefined;
  const [pattern, usdMicrosMax] = lowest;
  return { name: `limits.models.${pattern}.per_call_usd`, usdMicrosMax };
}

/** Whether a name is what a pattern says, of which `*` stands for any part: each part is found after the one before. */
function fits(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
