import type { Launch } from './launch/launch.js';

/** A value as JSON, TOML and YAML all write it. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** How a client's file is written; `jsonc` takes comments, `jsonc+` trailing commas too. */
export type FileFormat = 'json' | 'jsonc' | 'jsonc+' | 'toml' | 'yaml';

/** One place where a client keeps its servers. */
export interface PlaceRow {
  /** The place counts where this folder is; a `*` in a name stands for anything. */
  readonly folder: string;
  /** Names of the file, in that folder or below: the first that is there, else the first. */
  readonly files: readonly string[];
  /** A file that must exist too, for clients whose folder alone proves nothing. */
  readonly sign?: string;
}

/** What is written for our server. */
export interface Entry {
  /** Always as here. */
  readonly pinned: { readonly [key: string]: Value };
  /** Only where the entry is new: afterwards they are the user's. */
  readonly initial: { readonly [key: string]: Value };
}

/** The platforms clients run on. */
export type Platform = 'darwin' | 'win32' | 'linux';

/** One MCP client: everything that installing has to know of it. */
export interface Client {
  /** What a person types. */
  readonly id: string;
  readonly label: string;
  readonly format: FileFormat;
  /** The key under which servers stand. */
  readonly key: readonly string[];
  readonly places: Readonly<Record<Platform, readonly PlaceRow[]>>;
  /** Its file in a project's folder, for that project alone. */
  readonly projectFile?: string;
  /** An administrator's file: where it is there, no other is read. */
  readonly managedFile?: Readonly<Record<Platform, string>>;
  /** Its program on PATH, which tells that it is there. */
  readonly program?: string;
  /** Arguments with which its own program adds our server, for all of the user's projects. */
  readonly add?: (entry: Entry, launch: Launch) => readonly string[];
  readonly entry: (launch: Launch) => Entry;
  /** What it takes to pay where nobody answers its prompts; absent where it asks for nothing of its own. */
  readonly unattended?: {
    /** What the person is told before they choose. */
    readonly asks: readonly string[];
    /** What was written, and what it means. */
    readonly then: string;
    /** What does not work without. */
    readonly without: string;
  };
  /** Where its file may have another shape, that one: by what is in it. */
  readonly shape?: (content: unknown) => Pick<Client, 'key' | 'entry'> | null;
  /** What makes it see the server. */
  readonly then: string;
}

/** The name of our server in every client. */
export const SERVER_NAME = 'purser';

/** What the entry of a launch is called in a client's file. */
export function entryName({ name }: Pick<Launch, 'name'>): string {
  return name ?? SERVER_NAME;
}

/** A call waits at most 290 s (`timeout_ms`); a client that gives up earlier would lose an answer that was paid. */
const TOOL_TIMEOUT_SEC = 300;
/** Enough for npx to fetch us anew over a slow line. */
const START_TIMEOUT_SEC = 60;

function sameEverywhere(row: PlaceRow): Client['places'] {
  return { darwin: [row], win32: [row], linux: [row] };
}

function everywhere(folder: string, ...files: string[]): Client['places'] {
  return sameEverywhere({ folder, files });
}

/** The user's folder of an editor of the VS Code family; on Linux also the one it has as a Flatpak. */
function editorPlaces(editor: string, files: readonly string[], flatpak?: string): Client['places'] {
  const at = (base: string): PlaceRow => ({ folder: `${base}/${editor}/User`, files });
  return {
    darwin: [at('{home}/Library/Application Support')],
    win32: [at('{appData}')],
    linux: [at('{xdg}'), ...(flatpak === undefined ? [] : [at(`{home}/.var/app/${flatpak}/config`)])],
  };
}

const plain = ({ command, args, env }: Launch): { [key: string]: Value } => ({ command, args, env });
const plainEntry = (launch: Launch): Entry => ({ pinned: plain(launch), initial: {} });
const typedEntry = (launch: Launch): Entry => ({ pinned: { type: 'stdio', ...plain(launch) }, initial: {} });

const COMMON = { format: 'jsonc+', key: ['mcpServers'], entry: plainEntry } as const;

/** VS Code and its relatives: one file, one way to add a server. */
function codeEditor(id: string, label: string, program: string, folder: string, flatpak: string): Client {
  return {
    ...COMMON,
    id,
    label,
    key: ['servers'],
    places: editorPlaces(folder, ['mcp.json'], flatpak),
    projectFile: '.vscode/mcp.json',
    program,
    add: ({ pinned }, launch) => ['--add-mcp', JSON.stringify({ name: entryName(launch), ...pinned })],
    entry: typedEntry,
    then: 'Start purser from the command MCP: List Servers, if it did not start.',
  };
}

const CLINE_FILE = 'settings/cline_mcp_settings.json';
/** Where Cline kept its file before all its editors shared one; only an editor's folder that is there counts. */
const CLINE_BEFORE = ['Code', 'Code - Insiders', 'Cursor', 'Windsurf', 'VSCodium'].map((editor) =>
  editorPlaces(`${editor}`, []),
);
function clinePlaces(platform: Platform): readonly PlaceRow[] {
  const before = CLINE_BEFORE.flatMap((places) => places[platform]).map(({ folder }) => ({
    folder: `${folder}/globalStorage/saoudrizwan.claude-dev/settings`,
    files: ['cline_mcp_settings.json'],
  }));
  return [{ folder: '{clineData}', files: [CLINE_FILE] }, ...before];
}

/** Codex's own settings of a server: its configuration reference has them under mcp_servers. */
const CODEX_UNATTENDED = { required: true, default_tools_approval_mode: 'approve' } as const;

/** Every client, in the order lists show them: a new client is a new row. Sources: the clients' own documentation. */
export const clients: readonly Client[] = [
  {
    ...COMMON,
    id: 'claude-desktop',
    label: 'Claude Desktop',
    format: 'json',
    places: {
      darwin: [
        { folder: '{home}/Library/Application Support/Claude', files: ['claude_desktop_config.json'] },
      ],
      win32: [
        { folder: '{appData}/Claude', files: ['claude_desktop_config.json'] },
        // The store's build sees a folder of its own in place of the one above.
        {
          folder: '{localAppData}/Packages/Claude_*/LocalCache/Roaming/Claude',
          files: ['claude_desktop_config.json'],
        },
      ],
      linux: [{ folder: '{xdg}/Claude', files: ['claude_desktop_config.json'] }],
    },
    then: 'Quit it and start it again.',
  },
  {
    ...COMMON,
    id: 'claude-code',
    label: 'Claude Code',
    format: 'json',
    places: sameEverywhere({
      folder: '{claudeHome}',
      files: ['.claude.json'],
      // The folder is the user's own.
      sign: '{claudeHome}/.claude.json',
    }),
    projectFile: '.mcp.json',
    managedFile: {
      darwin: '/Library/Application Support/ClaudeCode/managed-mcp.json',
      win32: 'C:/Program Files/ClaudeCode/managed-mcp.json',
      linux: '/etc/claude-code/managed-mcp.json',
    },
    program: 'claude',
    add: ({ pinned }, launch) => [
      ...['mcp', 'add-json', '--scope', 'user'],
      ...[entryName(launch), JSON.stringify(pinned)],
    ],
    entry: typedEntry,
    then: 'Start a new session.',
  },
  {
    ...COMMON,
    id: 'cursor',
    label: 'Cursor',
    places: everywhere('{home}/.cursor', 'mcp.json'),
    projectFile: '.cursor/mcp.json',
    program: 'cursor',
    then: 'Switch purser on under Settings, MCP, if it asks.',
  },
  codeEditor('vscode', 'VS Code', 'code', 'Code', 'com.visualstudio.code'),
  codeEditor(
    'vscode-insiders',
    'VS Code Insiders',
    'code-insiders',
    'Code - Insiders',
    'com.visualstudio.code.insiders',
  ),
  codeEditor('vscodium', 'VSCodium', 'codium', 'VSCodium', 'com.vscodium.codium'),
  {
    ...COMMON,
    id: 'windsurf',
    label: 'Windsurf',
    places: everywhere('{home}/.codeium/windsurf', 'mcp_config.json'),
    program: 'windsurf',
    then: 'Press refresh in its MCP settings.',
  },
  {
    id: 'codex',
    label: 'Codex',
    format: 'toml',
    key: ['mcp_servers'],
    places: everywhere('{codexHome}', 'config.toml'),
    projectFile: '.codex/config.toml',
    program: 'codex',
    add: (_entry, { command, args, env, name: entry }) => [
      ...['mcp', 'add', entry ?? SERVER_NAME],
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...['--', command, ...args],
    ],
    entry: (launch) => ({
      pinned: { ...plain(launch), ...(launch.unattended === true ? CODEX_UNATTENDED : {}) },
      initial: { startup_timeout_sec: START_TIMEOUT_SEC, tool_timeout_sec: TOOL_TIMEOUT_SEC },
    }),
    unattended: {
      asks: [
        'Codex asks you before each quote and payment. Where nobody answers (codex exec, automation) it cancels them, and its first turn may begin before the server is up. Two settings change that:',
        '  default_tools_approval_mode = "approve"   Codex asks no more; your limits alone bound what is paid',
        '  required = true                           Codex waits for the server, and stops if it does not start',
      ],
      then: 'It pays without asking you, within your limits, and does not start without purser.',
      without: 'It asks before each quote and payment, so an unattended run (codex exec) cannot pay.',
    },
    then: 'Start a new session.',
  },
  {
    ...COMMON,
    id: 'gemini-cli',
    label: 'Gemini CLI',
    format: 'jsonc',
    places: everywhere('{home}/.gemini', 'settings.json'),
    projectFile: '.gemini/settings.json',
    program: 'gemini',
    add: (_entry, { command, args, env, name: entry }) => [
      ...['mcp', 'add', '--scope', 'user', '--timeout', String(TOOL_TIMEOUT_SEC * 1000)],
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...[entry ?? SERVER_NAME, command, '--', ...args],
    ],
    entry: (launch) => ({ pinned: plain(launch), initial: { timeout: TOOL_TIMEOUT_SEC * 1000 } }),
    then: 'Start a new session.',
  },
  {
    ...COMMON,
    id: 'zed',
    label: 'Zed',
    key: ['context_servers'],
    places: {
      darwin: [{ folder: '{home}/.config/zed', files: ['settings.json'] }],
      win32: [{ folder: '{appData}/Zed', files: ['settings.json'] }],
      linux: [
        { folder: '{xdg}/zed', files: ['settings.json'] },
        { folder: '{home}/.var/app/dev.zed.Zed/config/zed', files: ['settings.json'] },
      ],
    },
    program: 'zed',
    entry: (launch) => ({ pinned: plain(launch), initial: { timeout: TOOL_TIMEOUT_SEC } }),
    then: 'It starts by itself.',
  },
  {
    ...COMMON,
    id: 'cline',
    label: 'Cline',
    format: 'json',
    places: { darwin: clinePlaces('darwin'), win32: clinePlaces('win32'), linux: clinePlaces('linux') },
    program: 'cline',
    entry: (launch) => ({ pinned: plain(launch), initial: { timeout: TOOL_TIMEOUT_SEC } }),
    then: 'It starts by itself.',
  },
  {
    id: 'goose',
    label: 'Goose',
    format: 'yaml',
    key: ['extensions'],
    places: {
      darwin: [{ folder: '{xdg}/goose', files: ['config.yaml'] }],
      win32: [{ folder: '{appData}/Block/goose', files: ['config/config.yaml'] }],
      linux: [{ folder: '{xdg}/goose', files: ['config.yaml'] }],
    },
    program: 'goose',
    entry: ({ command, args, env, name }) => ({
      pinned: { type: 'stdio', cmd: command, args, envs: env },
      initial: {
        enabled: true,
        name: name ?? SERVER_NAME,
        description:
          name === undefined ? 'A wallet for paid API calls.' : 'A paid MCP server, by way of Purser.',
        timeout: TOOL_TIMEOUT_SEC,
      },
    }),
    then: 'Start a new session.',
  },
  {
    ...COMMON,
    id: 'opencode',
    label: 'opencode',
    key: ['mcp'],
    places: everywhere('{xdg}/opencode', 'opencode.jsonc', 'opencode.json', 'config.json'),
    program: 'opencode',
    // Its version 2 reads this shape too, but for a file that was moved to its own.
    entry: ({ command, args, env }) => ({
      pinned: { type: 'local', command: [command, ...args], environment: env },
      initial: { enabled: true, timeout: TOOL_TIMEOUT_SEC * 1000 },
    }),
    shape: (content) => (hasServers(content) ? OPENCODE_2 : null),
    then: 'Start it again.',
  },
];

const OPENCODE_2: Pick<Client, 'key' | 'entry'> = {
  key: ['mcp', 'servers'],
  entry: ({ command, args, env }) => ({
    pinned: { type: 'local', command: [command, ...args], environment: env },
    initial: { timeout: { startup: START_TIMEOUT_SEC * 1000, request: TOOL_TIMEOUT_SEC * 1000 } },
  }),
};

/** Whether `mcp.servers` is a list of servers, not a server of that name. */
function hasServers(content: unknown): boolean {
  const servers = (content as { mcp?: { servers?: unknown } } | null)?.mcp?.servers;
  return typeof servers === 'object' && servers !== null && !('type' in servers);
}

/** The client with this name; undefined if we know none. */
export function findClient(name: string): Client | undefined {
  const wanted = name.toLowerCase();
  return clients.find(({ id, label }) => id === wanted || label.toLowerCase() === wanted);
}
