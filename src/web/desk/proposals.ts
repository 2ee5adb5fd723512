import { html } from 'hono/html';
import { withEntry } from '../../config/change.js';
import type { Config } from '../../config/settings.js';
import type { OwnerAction } from '../../errors/ownerAction.js';
import { isWalletError } from '../../errors/walletError.js';
import type { Proposal } from '../../ledger/books/ownersAct.js';
import type { Html } from '../look/layout.js';
import type { DeskRoom } from './room.js';
import type { Shell } from './shell.js';
import { viewTime } from './when.js';

/** What one owner proposed and another one has to confirm, each whole; nothing where nothing waits. */
export function viewProposals(proposals: readonly Proposal[], config: Config, shell: Shell): Html {
  if (proposals.length === 0) return html``;
  const { visit } = shell;
  return html`<section class="sheet" aria-labelledby="proposals">
    <h2 id="proposals">Waiting for a second owner</h2>
    <p class="soft">
      Another owner confirms it by doing the same, with a passphrase or a passkey of their own. Whoever
      proposed it counts once.
    </p>
    ${proposals.map(
      (proposal) =>
        html`<h3>${proposal.what}</h3>
          ${proposal.details.map((detail) => html`<p class="detail">${detail}</p>`)}
          <p class="soft">Proposed by ${proposal.by.owner}, until ${viewTime(proposal.expiresMs)}.</p>
          ${viewWay(proposal, config, shell)}
          <form method="post" action="${visit.base}/proposals/${proposal.id}/withdraw">
            <input type="hidden" name="token" value="${visit.token}" />
            <div class="buttons"><button class="no">Withdraw it</button></div>
          </form>`,
    )}
  </section>`;
}

function viewWay({ action }: Proposal, config: Config, { visit, command }: Shell): Html {
  if (action === null) return html``;
  const order = JSON.parse(action) as OwnerAction;
  const path = pathOf(order, config);
  return path === null
    ? html`<p>To confirm it: <code>${command(order)}</code></p>`
    : html`<p><a href="${visit.base}${path}">Look at it, and confirm it</a></p>`;
}

/** The page on which an act is done; null for what is done in a terminal only. */
function pathOf(order: OwnerAction, config: Config): string | null {
  const act = (kind: string, subject: string): string =>
    `/act?${new URLSearchParams({ kind, subject, back: '/home' }).toString()}`;
  const change = (key: string, value: string): string =>
    `/settings/change?${new URLSearchParams({ key, value, back: '/home' }).toString()}`;
  switch (order.kind) {
    case 'setSetting':
      return change(order.key, order.value);
    case 'addToSetting':
    case 'removeFromSetting': {
      const value = listOf(order, config);
      return value === null ? null : change(order.key, value);
    }
    case 'endPause':
      // A host may stand for several origins, and the page ends the pause of one.
      return order.place.includes('://') ? act('end_pause', order.place) : null;
    case 'unfreeze':
      return act('unfreeze', '');
    case 'resumeAgent':
      return act('resume_agent', order.name);
    case 'rotateAgent':
      return act('rotate_token', order.name);
    case 'prolongAgent':
      return order.for === undefined ? null : act('prolong_agent', `${order.name} ${order.for}`);
    case 'approve':
      return `/approvals/${encodeURIComponent(order.id)}`;
    default:
      return null;
  }
}

/** The whole list that a change of one entry leads to now; null where there is none any more. */
function listOf(
  { kind, key, entry }: Extract<OwnerAction, { kind: 'addToSetting' | 'removeFromSetting' }>,
  config: Config,
): string | null {
  try {
    return withEntry(config, key, kind === 'addToSetting' ? 'add' : 'remove', entry);
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}

/** Adds the way to end a proposal: it takes nothing but the page, for it only keeps something from being loosened. */
export function addProposals({ app, desk, now }: DeskRoom): void {
  app.post('/proposals/:id/withdraw', async (c) => {
    await desk.parts.ledger.owners.withdraw(c.req.param('id'), null, now());
    return c.redirect(`${c.get('visit').base}/home`, 303);
  });
}
