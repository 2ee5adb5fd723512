import type { LightningChain } from '../chain/chain.js';
import { createLightningChain } from '../chain/lightning/lightningChain.js';
import {
  readConnectionString,
  walletIdOf,
  writeConnection,
  type LightningConnection,
} from '../chain/lightning/connection.js';
import { WalletError } from '../errors/walletError.js';
import { isLive } from '../ledger/attempts/attempt.js';
import type { Ledger } from '../ledger/ledger.js';
import { formatUnits } from '../money/decimal.js';
import { findLightning, findNetwork, type LightningNetwork } from '../money/network.js';
import { asOwner, type OwnerOptions } from './auth/ownerAuth.js';

/** What it must let us do: pay, and tell what became of that. */
const NEEDED = ['pay_invoice', 'lookup_invoice', 'get_balance'] as const;
/** More are open only where something is amiss. */
const OPEN_ROWS_MAX = 1_000;
const SAT_DECIMALS = 3;

/** A connected wallet as it is shown: nothing of its secret. */
export interface LightningView {
  readonly kind: LightningConnection['kind'];
  readonly place: string;
  readonly wallet: string;
  readonly alias: string;
  readonly network: string;
  readonly balance_sat: string;
  readonly methods: readonly string[];
  /** What the wallet itself bounds this connection by; null where it bounds or tells none. */
  readonly budget: { readonly total_sat: string; readonly used_sat: string; readonly renews: string } | null;
}

/** How a wallet is connected. */
export interface ConnectParts {
  /** CAIP-2; needed where the wallet does not say on which it is. */
  readonly network?: string | undefined;
  /** Payments that only the wallet before can tell of stay held: until that one is back, or its owner counts them as paid. */
  readonly leavesOpen?: boolean;
  /** Told what the wallet is and may do. */
  readonly show?: (view: LightningView) => void;
}

/**
 * Takes a Lightning wallet into use: looks what it is and may do, and keeps how it is reached, sealed by the keystore's keys.
 * Shown before the owner's factor is asked for. Throws `bad_input`, `rpc_unavailable`, `payment_unresolved` where payments by
 * another one are open, and as `unlockAsOwner` does.
 */
export async function connectLightning(
  options: OwnerOptions,
  text: string,
  { network, leavesOpen = false, show }: ConnectParts,
): Promise<LightningView> {
  const given = readConnectionString(text);
  if (typeof given === 'string') throw new WalletError('bad_input', `The connection string ${given}.`);
  const { connection, view } = await lookAt(given, network, options.now);
  show?.(view);
  const operation = {
    what: 'Connecting a Lightning wallet',
    action: {
      ...{ kind: 'connectLightning' as const, leavesOpen },
      ...(network === undefined ? {} : { network }),
    },
    agreed: agreedOf(view, leavesOpen),
    act: async () =>
      Promise.resolve({
        what: 'Pay sellers by Lightning from this wallet, within the limits',
        details: [
          ...detailsOf(view),
          ...(leavesOpen ? ['What is open by the wallet before stays held.'] : []),
        ],
      }),
  };
  await asOwner(options, operation, async ({ keys, ledger }) => {
    if (ledger !== null && !leavesOpen) await assertNothingOpen(ledger, view.wallet);
    await keys.lightning.write(writeConnection(connection));
  });
  return view;
}

/** What two owners agree on: the wallet and what it permits. What it has, and used of its budget, changes between their words. */
function agreedOf(
  { kind, place, wallet, network, methods, budget }: LightningView,
  leavesOpen: boolean,
): string[] {
  const bound = budget === null ? [] : [budget.total_sat, budget.renews];
  return ['connect lightning', kind, place, wallet, network, String(leavesOpen), methods.join(' '), ...bound];
}

/** Forgets how the Lightning wallet is reached. Throws as {@link connectLightning} does. */
export async function disconnectLightning(
  options: OwnerOptions,
  { leavesOpen = false }: Pick<ConnectParts, 'leavesOpen'> = {},
): Promise<void> {
  const operation = {
    what: 'Disconnecting the Lightning wallet',
    action: { kind: 'connectLightning' } as const,
    alone: 'always' as const,
    act: async () => Promise.resolve({ what: 'Forget the connected Lightning wallet', details: [] }),
  };
  await asOwner(options, operation, async ({ keys, ledger }) => {
    if (ledger !== null && !leavesOpen) await assertNothingOpen(ledger, '');
    await keys.lightning.write(null);
  });
}

/** What the connected wallet says of itself now. Throws `rpc_unavailable`. */
export async function viewLightning(
  chain: LightningChain,
  connection: LightningConnection,
  network: LightningNetwork,
): Promise<LightningView> {
  const info = await chain.info();
  const balance = await chain.balanceOf(
    {
      family: 'lightning',
      network: network.caip2,
      address: 'bitcoin',
      symbol: 'sat',
      decimals: SAT_DECIMALS,
    },
    walletIdOf(connection),
  );
  const sats = (msat: bigint): string => formatUnits(msat, SAT_DECIMALS);
  return {
    kind: connection.kind,
    place: connection.kind === 'nwc' ? connection.relays.join(', ') : connection.origin,
    wallet: walletIdOf(connection),
    alias: info.alias,
    network: network.caip2,
    balance_sat: sats(balance),
    methods: info.methods,
    budget:
      info.budget === null
        ? null
        : {
            total_sat: sats(info.budget.totalMsat),
            used_sat: sats(info.budget.usedMsat),
            renews: info.budget.renews,
          },
  };
}

/** A line for each thing that an owner should know of a wallet before it is used. */
export function detailsOf({
  kind,
  place,
  wallet,
  alias,
  network,
  balance_sat,
  methods,
  budget,
}: LightningView): string[] {
  const label = findNetwork(network)?.label ?? network;
  const bound =
    budget === null
      ? 'The wallet tells no budget of its own for this connection.'
      : `Its own budget for this connection: ${budget.total_sat} sat, ${budget.used_sat} used, renewed ${budget.renews}.`;
  return [
    `${kind === 'nwc' ? 'Nostr Wallet Connect' : 'LND'} at ${place}${alias === '' ? '' : ` (${alias})`}, ${label}.`,
    `Known as ${wallet}.`,
    `Balance: ${balance_sat} sat.`,
    ...(methods.length === 0 ? [] : [`It permits: ${methods.join(', ')}.`]),
    bound,
  ];
}

async function lookAt(
  given: LightningConnection,
  wanted: string | undefined,
  nowMs: () => number,
): Promise<{ readonly connection: LightningConnection; readonly view: LightningView }> {
  const first = chainOf(given, nowMs);
  const info = await first.info();
  const network = networkFor(info.invoiceChain, wanted);
  if (given.kind === 'nwc') {
    const missing = NEEDED.filter((method) => !info.methods.includes(method));
    if (missing.length > 0)
      throw new WalletError(
        'bad_input',
        `This connection does not permit ${missing.join(', ')}, which paying needs.`,
      );
    return { connection: given, view: await viewLightning(first, given, network) };
  }
  const nodeId = info.nodeId ?? '';
  if (!/^0[23][0-9a-f]{64}$/.test(nodeId))
    throw new WalletError('bad_input', 'The node does not tell its own key.');
  const connection = { ...given, nodeId };
  return { connection, view: await viewLightning(chainOf(connection, nowMs), connection, network) };
}

function chainOf(connection: LightningConnection, nowMs: () => number): LightningChain {
  const network = findLightning('bc');
  if (network === undefined) throw new WalletError('internal', 'The table has no Lightning network.');
  return createLightningChain({ network, nowMs, lightning: () => writeConnection(connection) });
}

function networkFor(invoiceChain: string | null, wanted: string | undefined): LightningNetwork {
  const told = invoiceChain === null ? undefined : findLightning(invoiceChain);
  if (invoiceChain !== null && told === undefined)
    throw new WalletError('bad_input', 'The wallet is on a Lightning network that is not known here.');
  const named = wanted === undefined ? undefined : findNetwork(wanted);
  if (named !== undefined && named.family !== 'lightning')
    throw new WalletError('bad_input', `${named.label} is no Lightning network.`);
  if (named !== undefined && told !== undefined && named.caip2 !== told.caip2)
    throw new WalletError('bad_input', `The wallet says that it is on ${told.label}.`);
  const network = told ?? named ?? findLightning('bc');
  if (network === undefined) throw new WalletError('internal', 'The table has no Lightning network.');
  return network;
}

/** What became of a payment only the wallet can tell that was asked for it: it stays until the last one has ended. */
async function assertNothingOpen(ledger: Ledger, walletId: string): Promise<void> {
  const open = (await ledger.openAttempts(OPEN_ROWS_MAX)).filter(
    ({ network, payFrom, state }) =>
      findNetwork(network)?.family === 'lightning' && isLive(state) && payFrom !== walletId,
  );
  if (open.length === 0) return;
  throw new WalletError(
    'payment_unresolved',
    `${open.length === 1 ? '1 payment by Lightning is' : `${open.length} payments by Lightning are`} still open, and only the wallet that was asked can tell their end.`,
    {
      owner: {
        say: 'Have them looked after first. If that wallet is gone for good, leave them open: they stay held.',
        action: { kind: 'reconcile' },
      },
    },
  );
}
