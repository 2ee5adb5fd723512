import type { Question } from '../../approvals/question.js';

/** How the owner was shown a question. */
export interface Shown {
  /** The page at the question: a bare address, which lets in nobody by itself (T20). */
  readonly url: string;
  readonly inBrowser: boolean;
  readonly onDesktop: boolean;
}

/** Ways to the owner that a process brings along; the wallet itself has the terminal and the webhook. */
export interface OwnerReach {
  /**
   * The bare address of the local page at a question, served from now on; null where it cannot be. The desktop says
   * that it waits. Who opens it still has to be let in, and needs the factor (T20). Never rejects.
   */
  page(question: Question): Promise<string | null>;
  /** Shows the owner that a question waits, once; null where no page can be. Never rejects. */
  show(question: Question): Promise<Shown | null>;
  /** Has the desktop say, once, that a question waits which nobody can answer before there is a factor. Never rejects. */
  announce(question: Question): Promise<void>;
  /** Ends the page. */
  close(): Promise<void>;
}
