import { html } from 'hono/html';
import type { FactorLine } from '../../../approvals/inbox.js';
import { describeKeys, getKey, listKeys } from '../../../config/change.js';
import { findKey, type Config } from '../../../config/settings.js';
import { formatUsd, parseUsd } from '../../../money/decimal.js';
import type { UsdMicros } from '../../../money/unit.js';
import type { ReviewedChange } from '../../../owner/ownerSettings.js';
import { writeOutUnseen } from '../../../text/untrusted.js';
import { viewProof } from '../../approvals/answerForm.js';
import { layPage, type Html } from '../../look/layout.js';
import type { Shell } from '../shell.js';

/** What the page of settings shows. */
export interface SettingsParts {
  readonly config: Config;
  /** What was changed just now. */
  readonly done: string | null;
}

/** All settings with their values; each is changed on a page of its own. */
export function viewSettings({ config, done }: SettingsParts, shell: Shell): Html {
  const { visit } = shell;
  const set = listKeys(config);
  const open = describeKeys().filter(({ key }) => key.includes('<'));
  return layPage({
    ...shell,
    title: 'Purser: settings',
    main: html`<section class="sheet">
      <h1>Settings</h1>
      ${done === null ? '' : html`<p class="notice outcome" role="status">${done}</p>`}
      <p class="soft">What tightens is changed at once. What loosens takes your passphrase or passkey.</p>
      ${[...Map.groupBy(set, ({ key }) => key.split('.')[0] ?? key)].map(
        ([group, rows]) =>
          html`<h2>${headingOf(group)}</h2>
            <ul class="rows">
              ${rows.map(
                ({ key, value, doc }) =>
                  html`<li>
                    <a href="${visit.base}/settings/change?key=${encodeURIComponent(key)}">${key}</a>
                    <b>${writeOutUnseen(value)}</b>
                    <span class="soft">${doc}</span>
                    <span></span>
                  </li>`,
              )}
            </ul>`,
      )}
      <h2>Add one</h2>
      <p class="soft">Put a name in the place of what stands in angle brackets.</p>
      <form method="get" action="${visit.base}/settings/change" class="filter">
        <label>Setting <input type="text" name="key" list="keys" autocomplete="off" required /></label>
        <datalist id="keys">${open.map(({ key }) => html`<option value="${key}"></option>`)}</datalist>
        <button>Go on</button>
      </form>
    </section>`,
  });
}

/** The first word of keys, as a heading: `owner_page` as "Owner page". */
function headingOf(group: string): string {
  const words = group.replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

/** What the page of one setting shows. */
export interface SettingParts {
  readonly config: Config;
  readonly key: string;
  /** What is to be set, where something was typed. */
  readonly value: string | null;
  /** The change as it is shown before it is made; null where none was asked for yet. */
  readonly review: ReviewedChange | null;
  /** Where it leads back to. */
  readonly back: string;
  readonly factors: readonly FactorLine[];
  readonly atLocalhost: boolean;
  readonly localhostUrl: string;
  readonly problem?: string | undefined;
}

/** One setting: what it does, its value, and a change of it, shown whole before it is made. */
export function viewSetting(parts: SettingParts, shell: Shell): Html {
  const { config, key, value, review, back, problem } = parts;
  const { visit } = shell;
  const now = getKey(config, key);
  return layPage({
    ...shell,
    title: `Purser: ${key}`,
    main: html`<section class="sheet">
        <h1>${key}</h1>
        <p>${findKey(key).row.setting.summary}</p>
        ${review === null && problem !== undefined ? html`<p class="notice problem" role="alert">${problem}</p>` : ''}
        <form method="get" action="${visit.base}/settings/change" class="filter">
          <input type="hidden" name="key" value="${key}" />
          <input type="hidden" name="back" value="${back}" />
          <label
            >Value
            <input
              type="text"
              name="value"
              value="${writeOutUnseen(value ?? now)}"
              autocomplete="off"
              spellcheck="false"
          /></label>
          <button>Look at the change</button>
        </form>
        ${viewSteps(parts, now, shell)}
        <p><a href="${visit.base}${back}">Back, and change nothing</a></p>
      </section>
      ${review === null ? '' : viewReview(review, parts, shell)}`,
  });
}

/** Half of an amount, and twice as much: what is wanted most often, without a sum to do. */
function viewSteps({ key, back }: SettingParts, now: string, { visit }: Shell): Html | string {
  if (!key.endsWith('_usd') || !/^\d+(?:\.\d+)?$/.test(now)) return '';
  const atomic = parseUsd(now, key);
  const link = (words: string, usdMicros: UsdMicros): Html => {
    const value = formatUsd(usdMicros as UsdMicros);
    const query = new URLSearchParams({ key, value, back });
    return html`<a href="${visit.base}/settings/change?${query.toString()}">${words}: $${value}</a>`;
  };
  return html`<p class="links">${link('Half', atomic / 2n)} ${link('Twice', atomic * 2n)}</p>`;
}

function viewReview(review: ReviewedChange, parts: SettingParts, { visit, command }: Shell): Html {
  const { key, after, direction, digest, act } = review;
  const path = `${visit.base}/settings/change`;
  const hidden = html`<input type="hidden" name="token" value="${visit.token}" />
    <input type="hidden" name="key" value="${key}" />
    <input type="hidden" name="back" value="${parts.back}" />
    <input type="hidden" name="value" value="${after}" />
    <input type="hidden" name="digest" value="${digest}" />`;
  const words = {
    same: 'This changes nothing.',
    tightens: 'This makes the wallet tighter. It is done at once.',
    loosens: 'This makes the wallet looser. Only you can do it.',
  }[direction];
  const form =
    direction === 'same'
      ? ''
      : direction === 'tightens'
        ? html`<form method="post" action="${path}">
            ${hidden}
            <div class="buttons"><button class="yes">Change it</button></div>
          </form>`
        : parts.factors.length === 0
          ? html`<p class="notice">
              It takes a passphrase or a passkey, and there is none yet:
              <code>${command({ kind: 'addFactor', factor: 'passphrase' })}</code>
            </p>`
          : html`<form method="post" action="${path}" data-options="${path}/challenge" autocomplete="off">
              ${hidden} ${viewProof(parts, 'Change it')}
            </form>`;
  return html`<section class="sheet">
    <h2>The change</h2>
    ${act.details.map((detail) => html`<p class="detail">${detail}</p>`)}
    <p>${words}</p>
    ${form}
  </section>`;
}
