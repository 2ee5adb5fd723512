import type { Question } from '../../approvals/question.js';
import { formatUsd } from '../../money/decimal.js';
import { cleanLine } from '../../text/untrusted.js';
import { launch } from './launch.js';
import { notifyOverBus } from './sessionBus.js';

/** Desktops cut longer text in places of their own choosing. */
const TEXT_CHARS_MAX = 200;

/** A desktop's own program ends at once, or waits for the person to look. */
const WAIT_MS = 3_000;

/** A dialog that nobody looked at goes by itself. */
const DIALOG_SEC = 600;

/** A line of ours for the owner's desktop. */
export interface Notice {
  readonly text: string;
  /** Whether it stays until it is seen: a code has to be read off it. */
  readonly stays: boolean;
}

/** A seller's long name must not push what follows it off the line. */
const HOST_CHARS_MAX = 60;

/**
 * A question in one line for a desktop: the amount, the host in punycode and the agent, and what the owner does about it;
 * no word of a stranger (T16).
 */
export function noticeOf({ usdMicros, host, agent }: Question, then: string): string {
  return `Agent ${agent} asks you: pay $${formatUsd(usdMicros)} to ${cleanLine(host, HOST_CHARS_MAX)}? ${then}`;
}

/**
 * Shows a line of ours on the owner's desktop. True where the platform took it; false where it has no way to. Never give
 * it text of a seller or an agent.
 *
 * T33: the line may hold a code, so it reaches no argument list: a bus, or the stdin of a script, carries it.
 */
export async function notifyDesktop(
  { text, stays }: Notice,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Promise<boolean> {
  const line = cleanLine(text, TEXT_CHARS_MAX);
  const run = async (program: string, args: readonly string[], input: string): Promise<boolean> => {
    const how = await launch(program, args, { env, waitMs: WAIT_MS, input });
    return how === 'ended_well' || how === 'still_running';
  };
  switch (platform) {
    case 'darwin':
      return run('osascript', ['-'], appleScriptOf(line, stays));
    case 'win32':
      return stays ? run('powershell', ['-NoProfile', '-Command', '-'], powerShellOf(line)) : false;
    case 'linux':
    case 'freebsd':
      // The body may hold markup; a host or an amount has none, and nothing of ours needs any.
      return notifyOverBus({ title: 'Purser', body: line.replace(/[<>&]/g, ' '), stays }, env);
    default:
      return false;
  }
}

/** JSON's way to write a string is AppleScript's too, for a line without control characters. */
function appleScriptOf(line: string, stays: boolean): string {
  const text = JSON.stringify(line);
  return stays
    ? `display dialog ${text} with title "Purser" buttons {"OK"} default button 1 giving up after ${DIALOG_SEC}\n`
    : `display notification ${text} with title "Purser"\n`;
}

/** Quotes of every kind end a string of PowerShell's, so that none is left in it. */
function powerShellOf(line: string): string {
  const text = line.replace(/[^ -~]/g, '?').replaceAll("'", "''");
  return `[void](New-Object -ComObject WScript.Shell).Popup('${text}', ${DIALOG_SEC}, 'Purser', 64)\n`;
}
