/** The day of an instant by the machine's own time zone, such as `2027-03-31`. */
export function localDay(ms: number): string {
  const at = new Date(ms);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** An instant as a table shows it to a person: their own time, to the minute. */
export function localMinute(iso: string): string {
  const at = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${localDay(at.getTime())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** What people call the machine's time zone. */
export function zoneName(): string {
  const part = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts()
    .find(({ type }) => type === 'timeZoneName');
  return part?.value ?? 'local';
}
