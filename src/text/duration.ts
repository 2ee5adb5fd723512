const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a length of time such as `90m`, `2h` or `7d`, in milliseconds; null for any other text. */
export function parseDuration(text: string): number | null {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  return ms > 0 ? ms : null;
}

/** A length of time as {@link parseDuration} reads it, by the largest unit that it is whole in; `ms` is whole in seconds. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, one]) => ms % one === 0) ?? ['s', UNITS['s'] ?? 1];
  return `${Math.floor(ms / size)}${unit}`;
}
