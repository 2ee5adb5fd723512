/** A session ends after this much silence of its agent; not with a process or a connection (T29). */
export const SESSION_IDLE_MS = 30 * 60_000;

/** One agent's activity over all its processes. */
export interface Session {
  readonly id: string;
  readonly agent: string;
  readonly startedMs: number;
  readonly activeMs: number;
}
