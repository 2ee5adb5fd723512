import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import type { Dialect } from '../config/value/choice.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Where a program finds the proxy. */
export interface ProxyPlace {
  readonly url: string;
  readonly token: string;
}

/** What each variable is set to: an API's base at the proxy, with what SDKs of it expect behind, or the token. */
const VARIABLES: readonly {
  readonly name: string;
  readonly value: 'token' | 'proxy' | { readonly dialect: Dialect; readonly path: string };
}[] = [
  { name: 'OPENAI_BASE_URL', value: { dialect: 'openai', path: '/v1' } },
  // What older LangChain, LiteLLM and Aider read.
  { name: 'OPENAI_API_BASE', value: { dialect: 'openai', path: '/v1' } },
  { name: 'OPENAI_API_KEY', value: 'token' },
  { name: 'ANTHROPIC_BASE_URL', value: { dialect: 'anthropic', path: '' } },
  { name: 'ANTHROPIC_API_URL', value: { dialect: 'anthropic', path: '' } },
  { name: 'ANTHROPIC_API_KEY', value: 'token' },
  // For programs of the owner's own: any https URL stands behind it.
  { name: 'PURSER_PROXY_URL', value: 'proxy' },
  { name: 'PURSER_PROXY_TOKEN', value: 'token' },
];

/** What a program must not inherit: what would let it pay outside of its run (T42), or ask another API than the proxy's. */
const DROPPED: readonly string[] = [
  'PURSER_PASSPHRASE_FILE',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
];

/** What one program needs beside the variables. */
interface ProgramNeeds {
  readonly env?: (token: string) => Readonly<Record<string, string | undefined>>;
  /** Arguments before the program's own; the token is never among them. */
  readonly args?: (base: string) => readonly string[];
}

const PROGRAMS: Readonly<Record<string, ProgramNeeds>> = {
  // It takes a key for one that a person has to confirm, and a token for its login; both at once it warns of.
  claude: { env: (token) => ({ ANTHROPIC_AUTH_TOKEN: token, ANTHROPIC_API_KEY: undefined }) },
  // It goes by its own configuration, whatever OPENAI_BASE_URL says, and speaks the responses API alone.
  codex: {
    args: (base) => [
      ...['-c', 'model_provider="purser"', '-c', 'model_providers.purser.name="Purser"'],
      ...['-c', `model_providers.purser.base_url="${base}"`],
      ...['-c', 'model_providers.purser.env_key="OPENAI_API_KEY"'],
      ...['-c', 'model_providers.purser.wire_api="responses"'],
    ],
  },
};

/** A program as it is started. */
export interface ProgramStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Env;
}

/**
 * How a program is started so that it asks the proxy. Throws `config_invalid` where no upstream is set that it could
 * ask.
 */
export function startOf(
  [program = '', ...args]: readonly string[],
  env: Env,
  { proxy }: Pick<Config, 'proxy'>,
  place: ProxyPlace,
): ProgramStart {
  const baseOf = (dialect: Dialect): string => `${place.url}/${upstreamFor(dialect, proxy)}`;
  const valueOf = ({ value }: (typeof VARIABLES)[number]): string => {
    if (value === 'token') return place.token;
    return value === 'proxy' ? place.url : `${baseOf(value.dialect)}${value.path}`;
  };
  const set = Object.fromEntries(VARIABLES.map((variable) => [variable.name, valueOf(variable)]));
  const needs = PROGRAMS[/([^/\\]+?)(?:\.(?:exe|cmd))?$/i.exec(program)?.[1] ?? ''] ?? {};
  const changed: Record<string, string | undefined> = {
    ...env,
    ...Object.fromEntries(DROPPED.map((name) => [name, undefined])),
    ...set,
    ...needs.env?.(place.token),
    ...withoutProxy(env),
  };
  return {
    program,
    args: [...(needs.args?.(`${baseOf('openai')}/v1`) ?? []), ...args],
    env: Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)),
  };
}

/** The upstream for an API: the default one where it speaks that or nobody does, else the first that does. */
function upstreamFor(dialect: Dialect, proxy: Config['proxy']): string {
  const { defaultUpstream, upstreamUrls, upstreamDialects } = proxy;
  if (!upstreamUrls.has(defaultUpstream))
    throw new WalletError(
      'config_invalid',
      defaultUpstream === 'none'
        ? 'No upstream is set that programs could ask.'
        : `proxy.default_upstream is ${defaultUpstream}, which has no base URL.`,
      {
        owner: {
          say: 'Set proxy.upstreams.NAME.base_url to the API that programs are to ask, then name it as the default.',
          action: { kind: 'setSetting', key: 'proxy.default_upstream', value: 'NAME' },
        },
      },
    );
  const speaks = (name: string): boolean => (upstreamDialects.get(name) ?? 'openai') === dialect;
  if (speaks(defaultUpstream)) return defaultUpstream;
  return [...upstreamUrls.keys()].sort().find(speaks) ?? defaultUpstream;
}

/** This machine is reached without the proxy of the network. */
function withoutProxy(env: Env): Record<string, string> {
  const names = ['NO_PROXY', 'no_proxy'];
  const own = '127.0.0.1,localhost';
  return Object.fromEntries(
    names.map((name) => [name, env[name] === undefined || env[name] === '' ? own : `${env[name]},${own}`]),
  );
}
