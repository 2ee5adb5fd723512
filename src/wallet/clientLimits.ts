import type { UsdMicros } from '../money/unit.js';
import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import { parseUsd } from '../money/decimal.js';

/** What a client may give a server it starts, and the limit of the owner's that it lowers. */
export const CLIENT_LIMITS = {
  PURSER_LIMIT_PER_CALL_USD: 'perCallUsdMicros',
  PURSER_LIMIT_PER_SESSION_USD: 'perSessionUsdMicros',
  PURSER_LIMIT_PER_DAY_USD: 'perDayUsdMicros',
  PURSER_LIMIT_PER_MONTH_USD: 'perMonthUsdMicros',
} as const;

/** What says that a client lowers nothing; an empty field of a client's form says so too. */
const NONE = ['', 'none'];

/**
 * The owner's config with the limits that the client's environment lowers for this process.
 *
 * Whoever writes a client's file writes its environment, an agent too: so an amount above the owner's own changes
 * nothing, and ceilings, hosts and all else are not to be had this way. What is no amount stops the wallet: clients
 * were seen to pass `__encrypted__:…` and an unfilled `${user_config.…}` in the place of what their user had set,
 * and a limit that was meant must not be lost in silence. Throws `config_invalid`.
 */
export function lowerLimits(config: Config, env: Readonly<Record<string, string | undefined>>): Config {
  const lower = clientAmounts(env).filter(({ field, usdMicros }) => usdMicros < config.limits[field]);
  if (lower.length === 0) return config;
  const amounts = Object.fromEntries(lower.map(({ field, usdMicros }) => [field, usdMicros]));
  const lowered = new Map(lower.map(({ name }) => [keyOf(name), name]));
  return { ...config, limits: { ...config.limits, ...amounts }, lowered };
}

/** What a client's environment says of limits. Throws `config_invalid` for what is no amount. */
export function clientAmounts(env: Readonly<Record<string, string | undefined>>) {
  return Object.entries(CLIENT_LIMITS).flatMap(([name, field]) => {
    const text = env[name]?.trim() ?? '';
    return NONE.includes(text) ? [] : [{ name, field, usdMicros: readAmount(name, text) }];
  });
}

/** The config key of the limit that a variable lowers. */
function keyOf(name: string): string {
  return `limits.${name.slice('PURSER_LIMIT_'.length).toLowerCase()}`;
}

function readAmount(name: string, text: string): UsdMicros {
  try {
    return parseUsd(text, name);
  } catch {
    // The value is not repeated: what a client failed to fill in may be anything.
    throw new WalletError(
      'config_invalid',
      `This client starts Purser with a ${name} that is no amount of dollars; nothing is paid until it is mended.`,
      {
        owner: {
          say: `In the settings of Purser in this client, give each limit as an amount such as 0.25, or as none (${name}); then restart the client.`,
        },
      },
    );
  }
}
