/** The agent every wallet begins with; its keys are the first ones. */
export const DEFAULT_AGENT = 'default';

/** How an agent may be called: what stands in a key of the config, in a token and in a table without quotes. */
export const AGENT_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** The agent that the environment names in `PURSER_AGENT`; undefined where it names none. */
export function agentOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const name = env['PURSER_AGENT']?.trim();
  return name === undefined || name === '' ? undefined : name;
}
