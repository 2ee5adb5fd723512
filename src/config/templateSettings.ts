import { WalletError } from '../errors/walletError.js';
import { permittedByName } from './direction.js';
import { LIMIT_SETTINGS } from './limitSettings.js';
import { perName, type Setting } from './setting.js';
import { agentTemplate } from './value/agentTemplate.js';
import { readTemplateName } from './value/name.js';

/** Stands for an agent's name where a template is read. */
const ANY_AGENT = 'x';

/** Agents that are made alike. Rows of {@link SETTINGS}. */
export const TEMPLATE_SETTINGS = {
  templates: {
    terms: perName({
      key: 'templates.<template>.terms',
      readName: readTemplateName,
      kind: agentTemplate(readAgentSetting),
      // With it clients of the admin API make agents: the owner says so, whole.
      compare: permittedByName,
      summary:
        'What agents of this template get, as a JSON list: how long one lives (for=7d), settings of an agent (budget=research, limits.per_day_usd=1, refill.to_usd=2), and how many of them a client of the admin API may have at once and make in a day (agents=20; without it only you make them). none takes it away.',
    }),
  },
} as const;

/** An agent's setting as the config spells its value. Throws `bad_input`. */
function readAgentSetting(end: string, text: string): string {
  const key = `agents.${ANY_AGENT}.${end}`;
  for (const row of Object.values(LIMIT_SETTINGS.agents) as readonly Setting<unknown>[]) {
    if (row.fixed !== undefined || row.nameIn(key) === undefined) continue;
    const value = row.get(row.put(row.initial(false), ANY_AGENT, row.fromText(text)), ANY_AGENT);
    return typeof value === 'string' ? value : JSON.stringify(value);
  }
  throw new WalletError('bad_input', `${end} is no setting of an agent.`);
}
