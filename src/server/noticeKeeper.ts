import type { NoticeWatch } from '../owner/notices/noticeWatch.js';
import type { CommandPlace } from '../cli/line/program.js';
import type { Engine } from '../wallet/engine.js';

/** More clients than that call before the wallet opens only where something is amiss. */
const EARLY_MAX = 100;

/** Looks after the owner's notices and the refills in a server's process, from the moment that its wallet is open. */
export class NoticeKeeper {
  readonly #place: CommandPlace;
  readonly #early = new Map<string, string>();
  #watch: NoticeWatch | null = null;

  constructor(place: CommandPlace) {
    this.#place = place;
  }

  /** Begins, behind the calls. What it needs is loaded then. */
  begin(engine: Engine): void {
    void this.#begin(engine).catch(() => undefined);
  }

  /** Notes that a client calls as an agent. */
  noteClient(agent: string, client: string): void {
    if (this.#watch !== null) this.#watch.noteClient({ agent, client });
    else if (this.#early.size < EARLY_MAX) this.#early.set(`${agent} ${client}`, agent);
  }

  async #begin(engine: Engine): Promise<void> {
    const [{ watchNotices }, { watchRefills }] = await Promise.all([
      import('../owner/notices/noticeWatch.js'),
      import('../treasury/refillWatch.js'),
    ]);
    if (engine.closing.aborted) return;
    const { version, env, platform } = this.#place;
    const showDesktop = async (text: string): Promise<boolean> => {
      const { notifyDesktop } = await import('../web/desktop/notification.js');
      return notifyDesktop({ text, stays: false }, env, platform);
    };
    const watch = watchNotices(engine, { version, showDesktop });
    this.#watch = watch;
    watchRefills(engine, (agent, refill) => {
      if (refill.kind === 'sent')
        watch.noteRefill({ agent, from: refill.from, why: null, leftUsdMicros: 0n });
      if (refill.kind === 'not') watch.noteRefill({ agent, ...refill });
    });
    for (const [key, agent] of this.#early)
      this.#watch.noteClient({ agent, client: key.slice(agent.length + 1) });
    this.#early.clear();
  }
}
