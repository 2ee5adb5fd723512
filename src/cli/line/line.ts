import type { SideQuote } from '../../wallet/quoteMany.js';
import type { OwnerAction, OwnerStep } from '../../errors/ownerAction.js';
import type { Outcome, ToldOutcome } from '../../wallet/answer/outcome.js';
import { ownerLine } from './ownerLine.js';
import { NEWEST_PROGRAM, programName, type CommandPlace } from './program.js';
import { quoteFor, type CommandLine, type Word } from './shell.js';

/**
 * A command as a person pastes it into a shell of this machine: with the program as it is called there, and the home that
 * this wallet uses where that is not the default one.
 */
export function showLine(line: CommandLine, place: CommandPlace, program = programName(place)): string {
  const home = place.env['PURSER_HOME'];
  const words: readonly Word[] = home === undefined || home === '' ? line : ['--home', home, ...line];
  const quote = quoteFor(place.platform);
  const shown = words.map((word) => (typeof word === 'string' ? quote(word) : word.blank));
  return [program, ...shown].join(' ');
}

/** The command that does what only the owner can do. */
export function ownerCommand(action: OwnerAction, place: CommandPlace): string {
  return showStep({ say: '', action }, place) ?? '';
}

/** What to say to the owner, with the command on its end where there is one. */
export function tellOwner(step: OwnerStep | null | undefined, place: CommandPlace): string | null {
  if (step === undefined || step === null) return null;
  const command = showStep(step, place);
  return command === null ? step.say : `${step.say} Run: ${command}`;
}

function showStep(step: OwnerStep, place: CommandPlace): string | null {
  const line = ownerLine(step);
  if (line === null) return null;
  // What clients start is the same, whichever wallet is used.
  if (step.action?.kind === 'takeNewest') return showLine(line, { ...place, env: {} }, NEWEST_PROGRAM);
  return showLine(line, place);
}

/** An outcome as a face of this machine tells it. */
export function tellOutcome(outcome: Outcome, place: CommandPlace): ToldOutcome {
  const told = { ...outcome, tell_owner: tellOwner(outcome.tell_owner, place) };
  const { quotes } = outcome as { readonly quotes?: readonly SideQuote[] };
  if (quotes === undefined) return told;
  return {
    ...told,
    quotes: quotes.map(({ tell_owner, ...one }) =>
      tell_owner === undefined ? one : { ...one, tell_owner: tellOwner(tell_owner, place) },
    ),
  };
}
