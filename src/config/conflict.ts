import { formatUsd } from '../money/decimal.js';
import { findNetwork } from '../money/network.js';
import { SETTINGS, type Config } from './settings.js';

/** Two values that cannot stand beside each other. */
export interface Conflict {
  readonly sentence: string;
  /** The `purser` command that makes room for the change, where there is one. */
  readonly command?: string;
}

interface CapPair {
  readonly capKey: string;
  readonly cap: bigint;
  readonly ceilingKey: string;
  readonly ceiling: bigint;
}

/**
 * The first pair of values in a config that contradict each other, or undefined: a cap above its ceiling, or
 * networks of the other kind of money. `changedKey`, where a change made it, decides which other key is to be
 * changed first.
 */
export function findConflict(config: Config, changedKey?: string): Conflict | undefined {
  const pair = capPairs(config).find(({ cap, ceiling }) => cap > ceiling);
  if (pair !== undefined) {
    const [cap, ceiling] = [formatUsd(pair.cap), formatUsd(pair.ceiling)];
    const command =
      changedKey === pair.ceilingKey
        ? `config set ${pair.capKey} ${ceiling}`
        : `config set ${pair.ceilingKey} ${cap}`;
    const mend = changedKey === pair.ceilingKey ? 'lower the cap first' : 'raise the ceiling first';
    return {
      sentence: `${pair.capKey} of $${cap} is above its ceiling, ${pair.ceilingKey} of $${ceiling}; ${mend}.`,
      command,
    };
  }
  const stray = config.networks.enabled.find((caip2) => findNetwork(caip2)?.testnet !== config.testnet);
  if (stray === undefined) return undefined;
  const label = `${findNetwork(stray)?.label ?? ''} (${stray})`;
  const sentence = config.testnet
    ? `networks.enabled has ${label}, which is real money, and this wallet is for test networks alone.`
    : `networks.enabled has ${label}, a test network, and this wallet is for real money alone.`;
  return { sentence };
}

function capPairs({ limits, ceilings }: Config): CapPair[] {
  const fields = ['perCallUsdMicros', 'perSessionUsdMicros', 'perDayUsdMicros', 'perMonthUsdMicros'] as const;
  const wallet = fields.map((field) => ({
    capKey: SETTINGS.limits[field].key,
    cap: limits[field],
    ceilingKey: SETTINGS.ceilings[field].key,
    ceiling: ceilings[field],
  }));
  const hosts = [...limits.hostPerDayUsdMicros].flatMap(([host, cap]) => {
    const ceiling = ceilings.hostPerDayUsdMicros.get(host);
    if (ceiling === undefined) return [];
    return [
      {
        capKey: SETTINGS.limits.hostPerDayUsdMicros.pathOf(host).join('.'),
        cap,
        ceilingKey: SETTINGS.ceilings.hostPerDayUsdMicros.pathOf(host).join('.'),
        ceiling,
      },
    ];
  });
  return [...wallet, ...hosts];
}
