import { html } from 'hono/html';
import type { ChannelState, Notice } from '../../../ledger/books/notice.js';
import { clientWords, isQuestion, noticeWords } from '../../../owner/notices/words.js';
import { layPage, type Html } from '../../look/layout.js';
import { filterQuery } from '../payments/filter.js';
import type { Shell } from '../shell.js';
import { viewTime } from '../when.js';

/** What the page of notices shows. */
export interface NoticesParts {
  /** Newest first. */
  readonly notices: readonly Notice[];
  readonly channels: readonly ChannelState[];
}

/** What the owner was told of, and how the channels stand. */
export function viewNotices({ notices, channels }: NoticesParts, shell: Shell): Html {
  const { visit } = shell;
  const newest = notices[0]?.seq ?? 0;
  const isAnyUnseen = notices.some(({ seenMs }) => seenMs === null);
  return layPage({
    ...shell,
    title: 'Purser: notices',
    main: html`<section class="sheet">
        <h1>Notices</h1>
        ${
          isAnyUnseen
            ? html`<form method="post" action="${visit.base}/notices/seen">
                <input type="hidden" name="token" value="${visit.token}" />
                <input type="hidden" name="up_to" value="${newest}" />
                <div class="buttons"><button>Mark all as seen</button></div>
              </form>`
            : ''
        }
        ${
          notices.length === 0
            ? html`<p class="soft">
                Nothing yet. You are told here when a cap is nearly used up, money is low, a seller gave
                nothing for it, or somebody tries your passphrase.
              </p>`
            : html`<ul class="rows">
                ${notices.map((notice) => viewNotice(notice, shell))}
              </ul>`
        }
      </section>
      ${viewChannels(channels, shell)}`,
  });
}

function viewNotice(notice: Notice, { visit }: Shell): Html {
  const client = clientWords(notice);
  const path = placeOf(notice);
  return html`<li>
    <span>
      ${path === null ? noticeWords(notice) : html`<a href="${visit.base}${path}">${noticeWords(notice)}</a>`}
      ${client === null ? '' : html`<span class="soft">It calls itself “${client}”.</span>`}
    </span>
    <span class="state ${notice.seenMs === null ? 'bad' : ''}">${notice.seenMs === null ? 'new' : ''}</span>
    <span class="soft">${viewTime(notice.atMs)}</span>
    <span></span>
  </li>`;
}

/** Where the owner looks at what a notice is about. */
function placeOf(notice: Notice): string | null {
  const { kind, subject, agent } = notice;
  if (isQuestion(notice) && subject !== null) return `/approvals/${encodeURIComponent(subject)}`;
  switch (kind) {
    case 'lost':
    case 'unknown':
      return `/payments/${encodeURIComponent(subject ?? '')}`;
    case 'cap':
    case 'budget':
      return `/settings/change?key=${encodeURIComponent(subject ?? '')}`;
    case 'money_low':
    case 'refill':
    case 'client':
      return agent === null ? null : `/payments${filterQuery({ agent })}`;
    case 'proposal':
      return '/home';
    default:
      return null;
  }
}

function viewChannels(channels: readonly ChannelState[], { command }: Shell): Html {
  return html`<section class="sheet">
    <h2>Channels</h2>
    ${
      channels.length === 0
        ? html`<p class="soft">None has sent anything.</p>`
        : html`<ul class="rows">
            ${channels.map(
              ({ channel, waiting, sentMs, failedMs, fault }) =>
                html`<li>
                  <b>${channel}</b>
                  <span class="state ${fault === null ? 'good' : 'bad'}"
                    >${fault === null ? 'works' : fault}</span
                  >
                  <span class="soft"
                    >${sentMs === null ? 'nothing sent yet' : html`last sent ${viewTime(sentMs)}`}</span
                  >
                  <span class="soft"
                    >${failedMs === null ? '' : html`last failed ${viewTime(failedMs)}`}
                    ${waiting === 0 ? '' : `${waiting} on the way`}</span
                  >
                </li>`,
            )}
          </ul>`
    }
    <p class="soft">
      To be told elsewhere, by chat, mail or a program: <code>${command({ kind: 'addChannel' })}</code>.
    </p>
  </section>`;
}
