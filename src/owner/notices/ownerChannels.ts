import { randomBytes } from 'node:crypto';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { SETTINGS } from '../../config/settings.js';
import { CHANNEL_KINDS, type ChannelKind } from '../../config/value/choice.js';
import { WalletError } from '../../errors/walletError.js';
import { openNotices } from '../../ledger/stores.js';
import type { OwnerOptions } from '../auth/ownerAuth.js';
import { changeConfigKeys, type KeyText } from '../ownerConfig.js';
import type { Channel } from './channel.js';
import { ChannelSecrets } from './channelSecrets.js';
import { SIGNING_PREFIX } from './message.js';

/** A channel as its owner names it, in the texts of the settings. */
export interface NewChannel {
  readonly name: string;
  readonly kind: string;
  readonly url?: string | undefined;
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly user?: string | undefined;
  readonly tells?: string | undefined;
  readonly escalateMinutes?: string | undefined;
  readonly digestMinutes?: string | undefined;
}

const TELEGRAM = 'https://api.telegram.org';
const SIGNING_KEY_BYTES = 32;

/** What a kind needs beside its name, and what is secret of it. */
interface KindNeeds {
  readonly needs: readonly ('url' | 'to' | 'from')[];
  /** What the owner is asked for, and nobody else sees; null where nothing is secret. */
  readonly secret: string | null;
  /** Whether it works without. */
  readonly isOptional: boolean;
}

const NEEDS: Readonly<Record<ChannelKind, KindNeeds>> = {
  desktop: { needs: [], secret: null, isOptional: true },
  webhook: { needs: ['url'], secret: null, isOptional: true },
  slack: { needs: [], secret: 'Webhook URL of Slack', isOptional: false },
  discord: { needs: [], secret: 'Webhook URL of Discord', isOptional: false },
  telegram: { needs: ['to'], secret: 'Token of the Telegram bot', isOptional: false },
  ntfy: { needs: ['url'], secret: 'Access token of ntfy', isOptional: true },
  email: { needs: ['url', 'from', 'to'], secret: 'Password at the mail server', isOptional: true },
};

/** What has to be asked for a channel of this kind; throws `bad_input` for a kind that there is none of. */
export function needsOf(kind: string): KindNeeds {
  const known = CHANNEL_KINDS.find((one) => one === kind);
  if (known !== undefined) return NEEDS[known];
  throw new WalletError('bad_input', `A channel is one of ${CHANNEL_KINDS.join(', ')}.`);
}

/**
 * Adds a channel that the owner is told by, in one step with what is secret of it, which is kept sealed by the wallet's keys
 * and stands in no setting. Who hears of the wallet is the owner's word. Answers the key that a webhook's receiver checks
 * signatures with; null for other kinds. Throws `bad_input`, and as a change of the config does.
 */
export async function addChannel(
  options: OwnerOptions,
  given: NewChannel,
  secret: string | null,
): Promise<string | null> {
  const { name, kind } = given;
  if (readConfigUnauthenticated(options.home).notices.kinds.has(name))
    throw new WalletError('bad_input', `There is a channel ${name} already: remove it first.`);
  const { needs, secret: asked, isOptional } = needsOf(kind);
  const missing = needs.find((one) => given[one] === undefined);
  if (missing !== undefined)
    throw new WalletError('bad_input', `A channel of kind ${kind} needs --${missing}.`);
  if (asked !== null && !isOptional && secret === null)
    throw new WalletError('bad_input', `Give the secret of the channel: ${asked.toLowerCase()}.`);
  const { url, kept } = splitSecret(given, secret);
  const { notices } = SETTINGS;
  const rows = [
    [notices.kinds, kind],
    [notices.urls, url],
    [notices.tos, given.to],
    [notices.froms, given.from],
    [notices.users, given.user],
    [notices.tells, given.tells],
    [notices.escalateMinutes, given.escalateMinutes],
    [notices.digestMinutes, given.digestMinutes],
  ] as const;
  const keys = rows.flatMap(([setting, text]): KeyText[] =>
    text === undefined ? [] : [{ key: setting.pathOf(name).join('.'), text }],
  );
  await changeConfigKeys(
    options,
    { what: `Adding the channel ${name}`, action: { kind: 'addChannel', name, channel: kind } },
    keys,
    async (unlocked) => {
      await new ChannelSecrets(options.home, unlocked).write(name, kept);
    },
  );
  return kind === 'webhook' ? kept : null;
}

/** What of a channel's address the settings have, and what is kept sealed. */
function splitSecret(
  { kind, url }: NewChannel,
  secret: string | null,
): { readonly url: string | undefined; readonly kept: string | null } {
  switch (kind) {
    case 'slack':
    case 'discord': {
      // Whoever has this address may write there: the settings have its host alone.
      const whole = URL.parse(secret?.trim() ?? '');
      if (whole === null || whole.protocol === 'data:')
        throw new WalletError('bad_input', 'The webhook must be a whole URL.');
      return { url: whole.origin, kept: whole.pathname + whole.search };
    }
    case 'telegram':
      return { url: url ?? TELEGRAM, kept: secret?.trim() ?? null };
    case 'webhook':
      return {
        url,
        kept: secret?.trim() ?? SIGNING_PREFIX + randomBytes(SIGNING_KEY_BYTES).toString('base64'),
      };
    case 'email':
      // Blanks may be part of a password; the end of the line is not.
      return { url, kept: secret?.replace(/\r?\n$/, '') ?? null };
    default:
      return { url, kept: secret?.trim() ?? null };
  }
}

/** Takes a channel away, with its secret and what was on its way. Throws `bad_input`, and as a change of the config does. */
export async function removeChannel(options: OwnerOptions, name: string): Promise<void> {
  const { notices } = readConfigUnauthenticated(options.home);
  if (!notices.kinds.has(name)) throw new WalletError('bad_input', `There is no channel ${name}.`);
  // Its kind goes last: what is said of a channel needs one.
  const fields = [
    ...['urls', 'tos', 'froms', 'users', 'tells', 'escalateMinutes', 'digestMinutes', 'kinds'],
  ] as (keyof typeof SETTINGS.notices & `${string}s`)[];
  const keys = fields.flatMap((field): KeyText[] => {
    const [setting, value] = [SETTINGS.notices[field], notices[field]];
    return typeof value !== 'object' || !value.has(name)
      ? []
      : [{ key: setting.pathOf(name).join('.'), text: 'none' }];
  });
  await changeConfigKeys(
    options,
    { what: `Removing the channel ${name}`, action: { kind: 'removeChannel', name } },
    keys,
    async (unlocked) => {
      await new ChannelSecrets(options.home, unlocked).write(name, null);
    },
  );
  const book = openNotices(options.home, options.now());
  try {
    await book.dropChannel(name);
  } finally {
    book.close();
  }
}

/** Where a channel's messages go, in a few words. */
export function placeWords({ kind, url, to }: Channel): string {
  const host = url === null || !URL.canParse(url) ? '' : new URL(url).host;
  if (kind === 'desktop') return 'the desktop of this machine';
  return to === null ? host : `${to} by ${host}`;
}
