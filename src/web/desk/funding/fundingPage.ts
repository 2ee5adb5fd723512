import { html } from 'hono/html';
import type { Entitlement } from '../../../ledger/books/entitlement.js';
import { formatUnits } from '../../../money/decimal.js';
import { DEFAULT_AGENT } from '../../../money/agent.js';
import type { Commitment } from '../../../owner/ownerCommitments.js';
import type { OwnFund, OwnPlace } from '../../../treasury/ownFunds.js';
import { allowanceSubject } from '../../../treasury/pageActs.js';
import { layPage, type Html } from '../../look/layout.js';
import { viewQrCode } from '../../look/qrCode.js';
import { linkAct } from '../acts/actPage.js';
import type { Arrival } from '../desk.js';
import type { Shell } from '../shell.js';
import { viewTime } from '../when.js';
import { viewBought } from './bought.js';
import { viewCommitments } from './commitments.js';
import { fundingLinks } from './onRamp.js';

/** What the page of funding shows. */
export interface FundingParts {
  /** Whose addresses are shown. */
  readonly agent: string;
  readonly agents: readonly string[];
  readonly places: readonly OwnPlace[];
  /** What is there; null until the chains were asked once. */
  readonly funds: readonly OwnFund[] | null;
  /** What came while the desk was open, newest first. */
  readonly arrivals: readonly Arrival[];
  readonly bought: readonly Entitlement[];
  readonly commitments: readonly Commitment[];
}

/** Where money is sent to, what is there, and what of it is put with sellers or allowed to others. */
export function viewFunding(parts: FundingParts, shell: Shell): Html {
  const { agent, agents, places, arrivals, bought, commitments } = parts;
  const { visit } = shell;
  const own = places.filter((place) => place.agent === agent);
  const addresses = [...new Set(own.map(({ address }) => address))];
  return layPage({
    ...shell,
    title: 'Purser: add money',
    main: html`${arrivals.map(viewArrival)}
      <section class="sheet">
        <h1>Add money</h1>
        ${
          agents.length < 2
            ? ''
            : html`<p class="links" aria-label="Agents">
                ${agents.map((name) =>
                  name === agent
                    ? html`<b aria-current="true">${name}</b>`
                    : html`<a href="${visit.base}/add-money?agent=${name}">${name}</a>`,
                )}
              </p>`
        }
        <p>
          Send to the address below${agent === DEFAULT_AGENT ? '' : `, which is the agent ${agent}’s own`}.
          What arrives shows here by itself.
        </p>
        ${addresses.map((address) => viewAddress(address, own, parts))}
      </section>
      ${viewCommitments(commitments, shell)} ${viewBought(bought, shell)} ${viewAllowances(parts, shell)}`,
  });
}

function viewArrival({ agent, network, symbol, amount, atMs }: Arrival): Html {
  return html`<p class="notice outcome" role="status">
    ${amount} ${symbol} arrived on ${network} for the agent ${agent}, ${viewTime(atMs)}.
  </p>`;
}

function viewAddress(address: string, own: readonly OwnPlace[], { funds }: FundingParts): Html {
  const here = own.filter((place) => place.address === address);
  const names = here.map(({ asset, network }) => `${asset.symbol} on ${network.label}`);
  const [first] = here;
  const gas =
    first?.network.family === 'svm'
      ? `No SOL is needed: sellers pay the fees, and whoever sends first makes the ${first.asset.symbol} account.`
      : 'No other coin is needed to pay.';
  return html`<div class="place">
    <div>${viewQrCode(address)}</div>
    <div>
      <p class="address"><code>${address}</code></p>
      <p class="soft">
        Takes ${names.join(', ')}, and nothing else: another token or another network would not arrive as
        money this wallet can spend. ${gas}
      </p>
      <ul class="rows">
        ${here.map((place) => viewPlace(place, fundOf(place, funds)))}
      </ul>
    </div>
  </div>`;
}

function viewPlace(place: OwnPlace, fund: OwnFund | undefined): Html {
  const { network, asset } = place;
  const there =
    fund === undefined
      ? 'asking'
      : fund.onChainAtomic === null
        ? 'its RPC does not answer'
        : `${formatUnits(fund.onChainAtomic, asset.decimals)} ${asset.symbol}`;
  return html`<li>
    <span>${network.label}, ${asset.symbol}</span>
    <b>${there}</b>
    <span class="soft apart"
      >${fundingLinks(place).map(
        ({ name, href, isFilled }) =>
          html`<a href="${href}" rel="noreferrer noopener" ${isFilled ? '' : html`target="_blank"`}
            >${name}<span class="unseen">, for ${asset.symbol} on ${network.label}</span></a
          > `,
      )}</span
    >
    <span class="soft">${fund?.gas === null || fund === undefined ? '' : `${fund.gas} for gas`}</span>
  </li>`;
}

function fundOf(place: OwnPlace, funds: FundingParts['funds']): OwnFund | undefined {
  return funds?.find(
    ({ agent, network, asset }) =>
      agent === place.agent && network.caip2 === place.network.caip2 && asset.symbol === place.asset.symbol,
  );
}

/** What Permit2 may move of the agents' tokens, with the way to take it back. */
function viewAllowances({ funds }: FundingParts, shell: Shell): Html {
  const allowed = (funds ?? []).filter(({ allowedAtomic }) => allowedAtomic !== null && allowedAtomic > 0n);
  return html`<section class="sheet">
    <h2>Allowances</h2>
    <p class="soft">What the contract Permit2 may move for signatures of this wallet.</p>
    ${
      funds === null
        ? html`<p class="soft">Asking the networks.</p>`
        : allowed.length === 0
          ? html`<p class="soft">None.</p>`
          : html`<ul class="rows">
              ${allowed.map(
                (fund) =>
                  html`<li>
                    <span>${fund.network.label}, agent ${fund.agent}</span>
                    <b>${formatUnits(fund.allowedAtomic ?? 0n, fund.asset.decimals)} ${fund.asset.symbol}</b>
                    <span class="soft"></span>
                    <span
                      >${linkAct(
                        `Take it back, ${fund.network.label}`,
                        { kind: 'revoke_allowance', subject: allowanceSubject(fund) },
                        '/add-money',
                        shell,
                      )}</span
                    >
                  </li>`,
              )}
            </ul>`
    }
  </section>`;
}
