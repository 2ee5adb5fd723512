import type { Question } from '../../approvals/question.js';

/** Ways to the owner that a process brings along; the wallet itself has the terminal and the webhook. */
export interface OwnerReach {
  /**
   * The address of the local page at a question, served from now on; null where it cannot be. Who opens it still
   * needs the factor (T20). Never rejects.
   */
  page(approvalId: string): Promise<string | null>;
  /**
   * Shows the owner that a question waits, once: on the desktop and in the browser, as far as there are such. Answers
   * in words where the page is, also how to reach it from elsewhere; null where there is none. Never rejects.
   */
  show(question: Question): Promise<string | null>;
  /** Ends the page. */
  close(): Promise<void>;
}
