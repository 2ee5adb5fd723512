import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { AGENT_LIFE_MS_MAX } from '../../config/value/agentTemplate.js';
import type { DeliverToken } from '../../owner/newAgent.js';
import type { AgentLine } from '../../owner/ownerAgents.js';
import { parseDuration } from '../../text/duration.js';
import type { AddressMoney } from '../../owner/ownAddresses.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** An agent as `--json` tells of it. */
export function agentFields({ name, index, state, address, addedMs, tokenMs, untilMs, template }: AgentLine) {
  return {
    agent: name,
    state,
    address,
    index,
    added: isoOf(addedMs),
    token_created: isoOf(tokenMs),
    until: isoOf(untilMs),
    template,
  };
}

/** How long an agent is to live, by its flag; undefined where none is given. Throws `bad_input`. */
export function lifeOf({ flags }: CommandCall): number | undefined {
  const text = flags.text('for');
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== null && ms <= AGENT_LIFE_MS_MAX) return ms;
  throw new WalletError('bad_input', '--for must be a time such as 8h or 7d, of at most 366 days.');
}

/** An asset as `--json` tells of it. */
export function moneyFields({ network, symbol, address, onChain }: AddressMoney) {
  return { network, asset: symbol, address, on_chain: onChain };
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/**
 * Runs what makes a token, and hands that over once: into a new file that its owner alone can read, or shown. A file
 * is written before the token opens anything, and goes again where it comes to open nothing.
 */
export function runWithToken(
  call: CommandCall,
  work: (deliver: DeliverToken) => Promise<AgentLine>,
  say: (agent: AgentLine) => string,
): Promise<number> {
  return handOverToken(call, work, (agent) => ({
    ...{ message: say(agent), fields: agentFields(agent) },
    lines: [
      `Address  ${agent.address}`,
      ...(agent.untilMs === null ? [] : [`Until    ${new Date(agent.untilMs).toISOString()}`]),
    ],
  }));
}

/** What is told beside a token: the sentence, the fields of `--json`, and further lines. */
interface TokenReport {
  readonly message: string;
  readonly fields: object;
  readonly lines: readonly string[];
}

/** The same of whoever a token is for. */
export async function handOverToken<Made>(
  { io, flags }: CommandCall,
  work: (deliver: DeliverToken) => Promise<Made>,
  tell: (made: Made) => TokenReport,
): Promise<number> {
  const given = flags.text('tokenFile');
  const path = given === undefined ? null : resolve(given);
  let token = '';
  let written = false;
  const done = await work(async (made) => {
    token = made;
    if (path === null) return;
    await writeToken(path, made);
    written = true;
  }).catch((error: unknown) => {
    if (written && path !== null) rmSync(path, { force: true });
    throw error;
  });
  const { message, fields, lines } = tell(done);
  const where = path === null ? { token } : { token_file: path };
  return printReport(io, flags.has('json'), { message, ...fields, ...where }, [
    message,
    ...lines,
    path === null ? `Token    ${token}` : `Token    in ${path}`,
    ...(path === null ? ['It is shown this once; the wallet keeps only what recognises it.'] : []),
  ]);
}

async function writeToken(path: string, token: string): Promise<void> {
  try {
    // Never over a file that is there, nor through a link: others could have put it.
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(`${token}\n`).finally(() => file.close());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new WalletError(
      'bad_input',
      code === 'EEXIST'
        ? 'The token file exists already; name a new one.'
        : `The token file cannot be written (${code ?? 'unknown'}).`,
    );
  }
}
