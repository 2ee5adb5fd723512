import { hash } from 'node:crypto';

/** The agent every wallet begins with; its keys are the first ones. */
export const DEFAULT_AGENT = 'default';

/** How an agent may be called: what stands in a key of the config, in a token and in a table without quotes. */
export const AGENT_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** The agent that the environment names in `PURSER_AGENT`; undefined where it names none. */
export function agentOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const name = env['PURSER_AGENT']?.trim();
  return name === undefined || name === '' ? undefined : name;
}

/** A token names its agent, so that one look finds what to compare with; see {@link tokenOf}. */
const TOKEN = /^purser_([a-z][a-z0-9-]{0,31})_[A-Za-z0-9_-]{43}$/;

/** The token of an agent from 256 random bits in base64url. */
export function tokenOf(name: string, random: string): string {
  return `purser_${name}_${random}`;
}

/** The agent that a token names, or null for what is no token. Whether the token is that agent's is not looked at. */
export function nameInToken(token: string): string | null {
  return TOKEN.exec(token)?.[1] ?? null;
}

/** What is stored of a token. It has 256 random bits, so no stretching is needed. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}
