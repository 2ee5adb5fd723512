import { isWalletError, WalletError } from '../errors/walletError.js';
import { isJsonObject, parseJson } from '../text/json.js';
import { setKey } from './change.js';
import { findKey, SETTING_ROWS, type Config, type SettingRow } from './settings.js';
import type { ConfigJson } from './value/kind.js';

/** Where the schema of a policy is published; a policy names it, so that editors check what is typed. */
export const POLICY_SCHEMA_URL = 'https://github.com/purser-mcp/purser/raw/main/docs/policy.schema.json';

/** The settings that a policy is made of, by how their keys begin: what may be spent, where, and by whom. */
const POLICY_KEYS: readonly string[] = [
  ...['limits.', 'ceilings.', 'hosts.', 'categories.', 'budgets.', 'networks.enabled'],
  ...['agents.<agent>.limits.', 'agents.<agent>.ceilings.', 'agents.<agent>.budget'],
];

const POLICY_ROWS: readonly SettingRow[] = SETTING_ROWS.filter(({ setting: { key } }) =>
  POLICY_KEYS.some((beginning) => key.startsWith(beginning)),
);

/** A policy: values as config.json has them, by the keys that `config set` takes. */
export type Policy = ReadonlyMap<string, ConfigJson>;

/** The policy in force. */
export function policyOf(config: Config): Policy {
  return new Map(
    POLICY_ROWS.flatMap(({ setting, get }) =>
      setting.names(get(config)).flatMap((name): [string, ConfigJson][] => {
        const value = setting.get(get(config), name);
        return value === undefined ? [] : [[setting.pathOf(name).join('.'), value]];
      }),
    ),
  );
}

/** A policy as its file is written. */
export function writePolicy(policy: Policy): string {
  return `${JSON.stringify({ $schema: POLICY_SCHEMA_URL, ...Object.fromEntries(policy) }, null, 2)}\n`;
}

/** Reads the file of a policy. Throws `bad_input` for what is no JSON object, a key that is none of a policy's, or a value that it cannot hold. */
export function readPolicy(text: string): Policy {
  const file = parseJson(text);
  if (!isJsonObject(file)) throw new WalletError('bad_input', 'A policy is a JSON object of settings.');
  const policy = new Map<string, ConfigJson>();
  for (const [given, value] of Object.entries(file)) {
    if (given === '$schema') continue;
    const { row, name, key } = findKey(given);
    if (!POLICY_ROWS.includes(row))
      throw new WalletError('bad_input', `${key} is no part of a policy: it is set by itself.`);
    if (policy.has(key)) throw new WalletError('bad_input', `${key} stands in the policy twice.`);
    const { setting } = row;
    const read = setting.get(setting.put(setting.initial(false), name, value), name);
    if (read !== undefined) policy.set(key, read);
  }
  return policy;
}

/** One key with the text that it is set to, `none` for no value. */
export interface PolicyStep {
  readonly key: string;
  readonly text: string;
}

/**
 * What is to be set to bring a policy in force, in an order in which each fits what was set before it. A key with a name in
 * it that the policy lacks is taken away; a setting that always has a value stays where the policy says nothing of it. Throws
 * `bad_input` where the policy contradicts itself.
 */
export function policySteps(config: Config, policy: Policy): readonly PolicyStep[] {
  const before = policyOf(config);
  const gone = [...before.keys()].filter((key) => !policy.has(key) && findKey(key).name !== '');
  const set = [...policy].filter(([key, value]) => textOf(value) !== textOf(before.get(key) ?? null));
  let waiting: PolicyStep[] = [
    ...set.map(([key, value]) => ({ key, text: textOf(value) })),
    ...gone.map((key) => ({ key, text: 'none' })),
  ];
  const ordered: PolicyStep[] = [];
  let next = config;
  // A cap above its old ceiling fits once the ceiling is raised: what does not fit yet waits for the others.
  while (waiting.length > 0) {
    const later: PolicyStep[] = [];
    let fault: unknown;
    for (const step of waiting) {
      try {
        next = setKey(next, step.key, step.text).config;
        ordered.push(step);
      } catch (error) {
        if (!isWalletError(error)) throw error;
        fault ??= error;
        later.push(step);
      }
    }
    if (later.length === waiting.length) throw fault;
    waiting = later;
  }
  return ordered;
}

/** The config with a policy in force, for a look: nothing is written. Throws as {@link policySteps} does. */
export function withPolicy(config: Config, policy: Policy): Config {
  return policySteps(config, policy).reduce((next, { key, text }) => setKey(next, key, text).config, config);
}

function textOf(value: ConfigJson | null): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The JSON Schema (2020-12) of a policy's file. */
export function policySchema(): object {
  const described = POLICY_ROWS.map(({ setting }) => {
    const { key, summary } = setting;
    return { key, schema: { description: summary, ...setting.jsonSchema() } };
  });
  const named = described.filter(({ key }) => key.includes('<'));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: POLICY_SCHEMA_URL,
    title: 'A policy of Purser',
    description:
      'What agents may spend, where, and on which networks: the settings of the same names. A key with a name in it that the file lacks is taken away when the policy is applied.',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...Object.fromEntries(
        described.filter(({ key }) => !key.includes('<')).map(({ key, schema }) => [key, schema]),
      ),
    },
    patternProperties: Object.fromEntries(named.map(({ key, schema }) => [patternOf(key), schema])),
    additionalProperties: false,
  };
}

function patternOf(key: string): string {
  return `^${key.replaceAll('.', '\\.').replace(/<\w+>/, '.+')}$`;
}
