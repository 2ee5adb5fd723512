const AGO = /^(\d{1,5})([mhd])$/;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** An instant as a table shows it to a person: their own time, to the minute. */
export function localMinute(iso: string): string {
  const at = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The instant that text such as `24h`, `7d` or `30m` ago means, as ISO 8601; undefined for any other text. */
export function pastInstant(text: string, nowMs: number): string | undefined {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  return new Date(nowMs - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]).toISOString();
}

/** The day of an instant by the machine's own time zone. */
export function localDay(ms: number): string {
  return localMinute(new Date(ms).toISOString()).slice(0, 10);
}

/** What people call the machine's time zone. */
export function zoneName(): string {
  const part = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts()
    .find(({ type }) => type === 'timeZoneName');
  return part?.value ?? 'local';
}
