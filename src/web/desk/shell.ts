import type { OwnerAction } from '../../errors/ownerAction.js';
import type { PageParts } from '../look/layout.js';

/** What all pages of the desk have in common. */
export type Shell = Required<Pick<PageParts, 'visit' | 'watch' | 'nav'>> & {
  /** The command for a terminal on this machine. */
  readonly command: (action: OwnerAction) => string;
};
