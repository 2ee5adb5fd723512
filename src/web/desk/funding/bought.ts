import { html } from 'hono/html';
import type { Entitlement } from '../../../ledger/books/entitlement.js';
import { findAsset } from '../../../money/asset.js';
import { formatUnits } from '../../../money/decimal.js';
import type { Caip2 } from '../../../money/network.js';
import { cleanLine } from '../../../text/untrusted.js';
import { endingOf } from '../../../treasury/pageActs.js';
import { amountsOf, keptOf } from '../../../wallet/entitlement/deposit.js';
import type { Html } from '../../look/layout.js';
import { linkAct } from '../acts/actPage.js';
import type { Shell } from '../shell.js';
import { viewTime } from '../when.js';

/** A place of a seller's is cut here (T43). */
const PLACE_CHARS_MAX = 160;

const KIND_WORDS: Readonly<Record<Entitlement['kind'], string>> = {
  l402_token: 'L402 token',
  siwx_session: 'Sign-in session',
  bearer: 'Access token',
  prepaid_balance: 'Prepaid balance',
  mpp_session: 'Session',
  channel: 'Deposit',
  gateway_deposit: 'Gateway deposit',
  job: 'Job',
};

/** What agents bought and have not used up, deposits first, with the way to end each. */
export function viewBought(bought: readonly Entitlement[], shell: Shell): Html {
  const deposits = bought.filter((one) => endingOf(one) === 'close_channel');
  const others = bought.filter((one) => endingOf(one) !== 'close_channel');
  return html`<section class="sheet">
    <h2>Deposits with sellers</h2>
    <p class="soft">Each counts whole against every limit until it is closed.</p>
    ${viewList(deposits, shell)}
    <h2>Bought ahead</h2>
    <p class="soft">Used before anything new is paid at its place. Secrets are never shown.</p>
    ${viewList(others, shell)}
  </section>`;
}

function viewList(list: readonly Entitlement[], shell: Shell): Html {
  if (list.length === 0) return html`<p class="soft">None.</p>`;
  const { visit } = shell;
  return html`<ul class="rows">
    ${list.map((one) => {
      const { id, agent, kind, origin, path, expiresMs, paymentId } = one;
      const act = endingOf(one);
      return html`<li>
        <span>${cleanLine(`${origin}${path}`, PLACE_CHARS_MAX)}</span>
        <b>${leftWords(one)}</b>
        <span class="soft"
          >${KIND_WORDS[kind]} of
          ${agent}${expiresMs === null ? '' : html`, until ${viewTime(expiresMs)}`}${
            paymentId === null
              ? ''
              : html`,
                  <a href="${visit.base}/payments/${paymentId}"
                    >its payment<span class="unseen">, ${id}</span></a
                  >`
          }</span
        >
        <span
          >${
            act === null
              ? ''
              : linkAct(
                  act === 'close_channel' ? `Close ${id}` : `Revoke ${id}`,
                  { kind: act, subject: id },
                  '/add-money',
                  shell,
                )
          }</span
        >
      </li>`;
    })}
  </ul>`;
}

function leftWords(one: Entitlement): string {
  if (one.kind !== 'channel')
    return one.valueLeft === null ? '' : cleanLine(`${one.valueLeft} ${one.unit ?? ''} left`, 60);
  const { depositAtomic, drawnAtomic } = amountsOf(one);
  const asset = findAsset(keptOf(one).network as Caip2, one.unit ?? '');
  const text = (atomic: bigint): string => formatUnits(atomic, asset?.decimals ?? 0);
  return `${text(drawnAtomic)} of ${text(depositAtomic)} ${asset?.symbol ?? ''} signed away`;
}
