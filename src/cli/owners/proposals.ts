import type { Proposal } from '../../ledger/books/ownersAct.js';
import { actionOf } from '../../owner/owners.js';
import type { CommandCall } from '../command.js';
import { ownerCommand } from '../line/line.js';

/** A proposal as JSON has it. */
export function proposalFields({ id, what, details, by, createdMs, expiresMs }: Proposal) {
  return {
    ...{ id, what, details, by: by.owner, factor: by.factor },
    created_at: new Date(createdMs).toISOString(),
    expires_at: new Date(expiresMs).toISOString(),
  };
}

/** A proposal whole, in lines. */
export function proposalLines(proposal: Proposal, { io }: CommandCall): string[] {
  const { id, what, details, by, expires_at: until } = proposalFields(proposal);
  const action = actionOf(proposal);
  return [
    `${id}  ${what}`,
    ...details.flatMap((detail) => detail.split('\n')).map((line) => `  ${line}`),
    `  Proposed by ${by}, until ${until}.`,
    ...(action === null ? [] : [`  Another owner confirms it by the same: ${ownerCommand(action, io)}`]),
  ];
}
