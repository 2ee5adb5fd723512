import type { Config } from '../../config/settings.js';
import type { ChannelKind } from '../../config/value/choice.js';

/** A way to tell the owner, as the settings have it; what is secret of it is kept sealed, see {@link ChannelSecrets}. */
export interface Channel {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly url: string | null;
  readonly to: string | null;
  readonly from: string | null;
  readonly user: string | null;
  /** The kinds of notices that it sends; null for all. */
  readonly tells: readonly string[] | null;
  /** Minutes after which it sends what nobody saw or answered; null for at once. */
  readonly escalateMinutes: number | null;
  /** Minutes over which it collects what is not urgent; null for one message each. */
  readonly digestMinutes: number | null;
}

/** The owner's channels, by name. */
export function channelsOf({ notices }: Pick<Config, 'notices'>): Channel[] {
  return [...notices.kinds].sort().map(([name, kind]) => ({
    name,
    kind,
    url: notices.urls.get(name) ?? null,
    to: notices.tos.get(name) ?? null,
    from: notices.froms.get(name) ?? null,
    user: notices.users.get(name) ?? null,
    tells: notices.tells.get(name) ?? null,
    escalateMinutes: notices.escalateMinutes.get(name) ?? null,
    digestMinutes: notices.digestMinutes.get(name) ?? null,
  }));
}
