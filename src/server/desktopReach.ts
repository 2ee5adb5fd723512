import type { Question } from '../approvals/question.js';
import type { OwnerAction } from '../errors/ownerAction.js';
import { ownerCommand } from '../cli/line/line.js';
import type { CommandPlace } from '../cli/line/program.js';
import type { OwnerReach } from '../wallet/approval/ownerReach.js';

/** More questions than a process has open at once; past it the oldest may be shown again. */
const SHOWN_MAX = 100;

/**
 * Tells the owner by a notice on their desktop, where there is one, and by nothing else: a server of agents has no page.
 * The notice names the command that answers; no tool result does (T20).
 */
export class DesktopReach implements OwnerReach {
  readonly #place: CommandPlace;
  readonly #noticed = new FirstOnly<void>();

  constructor(place: CommandPlace) {
    this.#place = place;
  }

  page(): Promise<null> {
    return Promise.resolve(null);
  }

  async show(question: Question): Promise<null> {
    await this.#notice(question, 'To answer, run:', { kind: 'openApprovals' });
    return null;
  }

  announce(question: Question): Promise<void> {
    return this.#notice(question, 'First add a passphrase of your own:', {
      kind: 'addFactor',
      factor: 'passphrase',
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #notice(question: Question, say: string, action: OwnerAction): Promise<void> {
    return this.#noticed.do(`${question.approvalId} ${action.kind}`, async () => {
      const { noticeOf, notifyDesktop } = await import('../web/desktop/notification.js');
      const { env, platform } = this.#place;
      const text = noticeOf(question, `${say} ${ownerCommand(action, this.#place)}`);
      // Nothing waits for it: where nobody shows notices, the owner hears of it in a terminal.
      void notifyDesktop({ text, stays: false }, env, platform).catch(() => false);
    });
  }
}

/** Does something once for each question: an agent that calls again must not open tab after tab. */
export class FirstOnly<Result> {
  readonly #done = new Map<string, Promise<Result>>();

  do(id: string, work: () => Promise<Result>): Promise<Result> {
    const known = this.#done.get(id);
    if (known !== undefined) return known;
    const result = work();
    this.#done.set(id, result);
    const oldest = this.#done.keys().next();
    if (this.#done.size > SHOWN_MAX && oldest.done === false) this.#done.delete(oldest.value);
    return result;
  }
}
