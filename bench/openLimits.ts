/** Limits out of the way: a bench pays hundreds of calls a minute. In the order they are set: a ceiling is raised before its cap. */
export const OPEN_LIMITS: readonly (readonly [string, string])[] = [
  ['ceilings.per_month_usd', '5000'],
  ['ceilings.per_day_usd', '5000'],
  ['ceilings.per_session_usd', '5000'],
  ['limits.per_month_usd', '1000'],
  ['limits.per_day_usd', '1000'],
  ['limits.per_session_usd', '1000'],
  ['limits.calls_per_minute', '10000'],
];
