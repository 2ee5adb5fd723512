import { html } from 'hono/html';
import { findNetwork } from '../../../money/network.js';
import { viewCommitment, type Commitment } from '../../../owner/ownerCommitments.js';
import { cleanLine } from '../../../text/untrusted.js';
import type { Html } from '../../look/layout.js';
import { linkAct } from '../acts/actPage.js';
import type { Shell } from '../shell.js';
import { viewTime } from '../when.js';

/** A seller's place is cut here (T43). */
const PLACE_CHARS_MAX = 160;

/** What sellers may take in each period, and what they took, with the way to end each. */
export function viewCommitments(commitments: readonly Commitment[], shell: Shell): Html {
  return html`<section class="sheet">
    <h2>Subscriptions</h2>
    <p class="soft">
      Each lets its seller take an amount in each period, and counts against every limit until it has ended.
    </p>
    ${
      commitments.length === 0
        ? html`<p class="soft">None.</p>`
        : html`<ul class="rows">
            ${commitments.map((one) => viewOne(one, shell))}
          </ul>`
    }
  </section>`;
}

function viewOne(commitment: Commitment, shell: Shell): Html {
  const { visit } = shell;
  const {
    id,
    agent,
    seller,
    network,
    asset,
    amount,
    period_days: days,
    state,
    ...rest
  } = viewCommitment(commitment);
  return html`<li>
    <span>${cleanLine(seller, PLACE_CHARS_MAX)}</span>
    <b>${amount} ${asset} every ${days} ${days === 1 ? 'day' : 'days'}</b>
    <span class="soft"
      >agent ${agent}, on ${findNetwork(network)?.label ?? network}, until
      ${viewTime(Date.parse(rest.ends_at))}, taken ${rest.taken} in ${rest.times}
      ${rest.times === 1 ? 'payment' : 'payments'},
      <a href="${visit.base}/payments/${id}">its payment<span class="unseen">, ${id}</span></a></span
    >
    <span
      >${
        state === 'open'
          ? linkAct(`End ${id}`, { kind: 'cancel_commitment', subject: id }, '/add-money', shell)
          : state === 'ending'
            ? 'ending'
            : 'ended'
      }</span
    >
  </li>`;
}
