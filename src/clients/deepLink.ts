import { findClient, SERVER_NAME } from './client.js';
import { pinnedSpec, portableLaunch } from './launch/launch.js';

/** A link that adds the server to a client when it is opened. */
export interface DeepLink {
  readonly client: string;
  readonly url: string;
  /** The client's own https page that opens it: what a page on the web can link to. */
  readonly webUrl: string;
}

/**
 * The links that clients open by themselves. They hold what install writes, but for the paths of a machine, which a
 * link cannot know: such a client has to find npx by itself. Forms: the clients' own documentation.
 */
export function deepLinks(version: string): readonly DeepLink[] {
  const launch = portableLaunch(pinnedSpec(version));
  const entryOf = (id: string): object => {
    const { env: _, ...entry } = findClient(id)?.entry(launch).pinned ?? {};
    return entry;
  };
  const cursor = Buffer.from(JSON.stringify(entryOf('cursor'))).toString('base64');
  const vscode = JSON.stringify({ name: SERVER_NAME, ...entryOf('vscode') });
  const query = new URLSearchParams({ name: SERVER_NAME, config: cursor });
  const vscodeUrl = `vscode:mcp/install?${encodeURIComponent(vscode)}`;
  return [
    {
      client: 'Cursor',
      url: `cursor://anysphere.cursor-deeplink/mcp/install?${query}`,
      webUrl: `https://cursor.com/en/install-mcp?${query}`,
    },
    {
      client: 'VS Code',
      url: vscodeUrl,
      webUrl: `https://insiders.vscode.dev/redirect?url=${encodeURIComponent(vscodeUrl)}`,
    },
  ];
}
