import type { Question } from '../approvals/question.js';
import { formatUsd } from '../money/decimal.js';
import { cleanLine } from '../text/untrusted.js';
import { launch } from './launch.js';

/** Desktops cut longer text in places of their own choosing. */
const TEXT_CHARS_MAX = 160;

/** A desktop's own program ends at once; a missing session bus can take it seconds to notice. */
const WAIT_MS = 3_000;

const APPLESCRIPT = [
  'on run argv',
  'display notification (item 1 of argv) with title "Purser"',
  'end run',
].flatMap((line) => ['-e', line]);

/** A question in one line for a desktop: the amount, the host in punycode and the agent; no word of a stranger (T16). */
export function noticeOf({ usdMicros, host, agent }: Question): string {
  return `Agent ${agent} asks you: pay $${formatUsd(usdMicros)} to ${host}?`;
}

/**
 * Shows a line of ours on the owner's desktop where the platform has a way to; does nothing, silently, where it has
 * none. Never give it text of a seller or an agent.
 */
export async function notifyDesktop(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Promise<void> {
  const line = cleanLine(text, TEXT_CHARS_MAX);
  if (platform === 'darwin') {
    await launch('osascript', [...APPLESCRIPT, line], { env, waitMs: WAIT_MS });
  } else if (platform === 'linux' || platform === 'freebsd') {
    // The body may hold markup; a host or an amount has none, and nothing of ours needs any.
    const body = line.replace(/[<>&]/g, ' ');
    await launch('notify-send', ['--app-name=Purser', '--', 'Purser', body], { env, waitMs: WAIT_MS });
  }
}
