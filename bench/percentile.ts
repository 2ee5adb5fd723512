/** A sample of durations in ms, as the bench prints it. */
export interface Sample {
  readonly p50: number;
  readonly p95: number;
  readonly count: number;
}

/** Sorts durations and reads two percentiles off them. */
export function sampleOf(durations: readonly number[]): Sample {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), count: sorted.length };
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** One line of the bench's table. */
export function line(name: string, { p50, p95, count }: Sample): string {
  return `  ${name.padEnd(52)} ${p50.toFixed(2).padStart(8)} ${p95.toFixed(2).padStart(8)}   ${count}`;
}
