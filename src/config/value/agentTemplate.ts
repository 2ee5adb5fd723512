import { z } from 'zod';
import { parseDuration } from '../../text/duration.js';
import { kindOf, type ValueKind } from './kind.js';

/** What agents of one template are made with. */
export interface AgentTemplate {
  /** How many of them a client of the admin API may have at once, and make in a day; 0: only the owner makes them. */
  readonly agentsMax: number;
  /** The longest that one lives, as it is written, such as `7d`. */
  readonly life: string;
  /** What is set of each, behind `agents.NAME.`, sorted. */
  readonly settings: readonly (readonly [end: string, text: string])[];
}

/** An agent that lives for longer is one of the owner's own. */
export const AGENT_LIFE_MS_MAX = 366 * 86_400_000;
/** More are no team any more, and each is a row that the step which adds one reads. */
const AGENTS_MAX = 10_000;
/** More than an agent has settings. */
const ENTRIES_MAX = 40;
const ENTRY_CHARS_MAX = 200;
const ENTRY = /^([a-z_.]+)=(.+)$/;

const WORDS =
  'must be none or a JSON list such as ["for=7d", "agents=20", "budget=research", "limits.per_day_usd=1"]';

/** Reads a setting of an agent, by what stands behind `agents.NAME.`; throws `bad_input`, and for what is no such setting. */
export type ReadAgentSetting = (end: string, text: string) => string;

/**
 * A template of agents, as a list of `KEY=VALUE`: `for` is how long one lives, `agents` how many a client of the admin API may
 * have, and every other key is a setting of an agent's. Shown and changed whole: who is asked about one sees all of it (T35).
 */
export function agentTemplate(readSetting: ReadAgentSetting): ValueKind<AgentTemplate> {
  const parse = (list: readonly string[]): AgentTemplate | string => {
    const entries = list.map((entry) => ENTRY.exec(entry)?.slice(1) as [string, string] | undefined);
    const found = new Map(entries.filter((entry) => entry !== undefined));
    if (found.size < list.length) return WORDS;
    const life = found.get('for') ?? '';
    const lifeMs = parseDuration(life);
    if (lifeMs === null || lifeMs > AGENT_LIFE_MS_MAX)
      return 'must say how long an agent lives, such as "for=7d", at most 366d';
    const agents = found.get('agents') ?? '0';
    if (!/^\d{1,5}$/.test(agents) || Number(agents) > AGENTS_MAX)
      return `must say how many agents by a number up to ${AGENTS_MAX}, such as "agents=20"`;
    found.delete('for');
    found.delete('agents');
    if (Number(agents) > 0 && !found.has('budget'))
      return 'must name the budget that its agents spend from where clients of the admin API may make them';
    const settings: [string, string][] = [];
    for (const [end, text] of [...found].sort()) {
      try {
        settings.push([end, readSetting(end, text)]);
      } catch (error) {
        return `has an entry that cannot be: ${error instanceof Error ? error.message : end}`.replace(
          /\.$/,
          '',
        );
      }
    }
    return { agentsMax: Number(agents), life, settings };
  };
  const entry = z.string(WORDS).max(ENTRY_CHARS_MAX, WORDS);
  const list = z
    .array(entry, WORDS)
    .max(ENTRIES_MAX, WORDS)
    .check((context) => {
      const wrong = parse(context.value);
      if (typeof wrong === 'string')
        context.issues.push({ code: 'custom', message: wrong, input: context.value });
    });
  return kindOf(
    z.codec(list, z.custom<AgentTemplate>(), {
      decode: (texts) => parse(texts) as AgentTemplate,
      encode: ({ agentsMax, life, settings }) => [
        `for=${life}`,
        ...(agentsMax === 0 ? [] : [`agents=${agentsMax}`]),
        ...settings.map(([end, text]) => `${end}=${text}`),
      ],
    }),
    'as JSON',
  );
}
